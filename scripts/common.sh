# Sourced by the other scripts: where things are, and how to become root for the few steps that need it.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
home=${PAASTECH_HOME:-$root/.paastech}
[[ $home = /* ]] || home=$PWD/$home
docker_socket=${PAASTECH_DOCKER_SOCKET:-/var/run/docker.sock}
docker_socket=${docker_socket#unix://}

say() { printf '%s\n' "==> $*" >&2; }
die() { printf '%s\n' "error: $*" >&2; exit 1; }

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; return; fi
  command -v sudo >/dev/null || die "this step needs root: $*; run as root, or install sudo"
  sudo --preserve-env=PAASTECH_HOME,PAASTECH_HTTP_PORT,PAASTECH_API_PORT,PAASTECH_SSH_PORT,PAASTECH_DOCKER_SOCKET "$@"
}

engine_answers() { as_root curl -fsS -m 5 --unix-socket "$docker_socket" http://localhost/_ping >/dev/null 2>&1; }

# Builds these targets, or all. It configures each time: packages may have come since. What fails is shown.
build_release() {
  mkdir -p "$root/build"
  (cd "$root" && cmake --preset release) >"$root/build/configure.log" 2>&1 ||
    { tail -20 "$root/build/configure.log" >&2; die "cmake failed; see build/configure.log"; }
  [ -x "$root/build/bin/paastechd" ] || say "Building (the first time takes some minutes)"
  ninja -C "$root/build" "$@" >"$root/build/build.log" 2>&1 ||
    { grep -E 'error|FAILED' -A5 "$root/build/build.log" | head -60 >&2; die "the build failed; see build/build.log"; }
}
