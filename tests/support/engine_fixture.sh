#!/usr/bin/env bash
# engine_fixture.sh up|down FOLDER: the Docker Engine of the tests, reached at FOLDER/docker.sock. An Engine that answers
# on the machine's socket is used as it is; else one is started with its state in FOLDER/docker, and stopped by `down`.
set -euo pipefail
verb=$1 folder=$2
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
machine=${PAASTECH_DOCKER_SOCKET:-/var/run/docker.sock}
mkdir -p "$folder"
cd "$folder"

answers() { curl -fsS -m 5 --unix-socket "$1" http://localhost/_ping >/dev/null 2>&1; }

case $verb in
  up)
    if [ -L docker.sock ] || ! answers "$PWD/docker.sock"; then
      rm -f docker.sock
      if answers "$machine"; then
        ln -s "$machine" docker.sock
      else
        PAASTECH_DOCKER_SOCKET=$PWD/docker.sock "$here/scripts/engine" ensure "$PWD/docker"
      fi
    fi
    PAASTECH_DOCKER_SOCKET=$PWD/docker.sock "$here/scripts/base-image"
    ;;
  down)
    if [ -L docker.sock ]; then rm -f docker.sock; exit 0; fi
    PAASTECH_DOCKER_SOCKET=$PWD/docker.sock "$here/scripts/engine" stop "$PWD/docker"
    ;;
esac
