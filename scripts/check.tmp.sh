#!/usr/bin/env bash
# make check: what takes too long for every test run. check [format|tidy|clang|asan|tsan …]: only these.
. "$(dirname "$0")/common.sh"
cd "$root"
steps=("$@")
[ ${#steps[@]} -gt 0 ] || steps=(format clang tidy asan tsan)

build() { cmake --preset "$1" >/dev/null && ninja -C "build/$1" "${@:2}"; }

for step in "${steps[@]}"; do
  say "check: $step"
  case $step in
    format) git ls-files '*.h' '*.cc' | xargs clang-format-19 --dry-run -Werror ;;
    clang) build clang ;;
    tidy)
      # In batches, for most of the time goes into the headers; of a build it needs only what is generated or precompiled.
      build tidy proto pch_asio pch_messages pch_calls pch_store cli src/store/known_migrations.cc
      find build/tidy/src -name 'unity_*.cxx' -not -path '*/test_*' -print0 |
        xargs -0 -P 1 -n 1 clang-tidy-19 -p build/tidy --quiet --checks=-bugprone-suspicious-include
      ;;
    asan | tsan)
      build "$step"
      export TSAN_OPTIONS="suppressions=$root/cmake/tsan.suppressions halt_on_error=1 ignore_noninstrumented_modules=1"
      export LSAN_OPTIONS="suppressions=$root/cmake/lsan.suppressions"
      ctest --test-dir "build/$step" --output-on-failure -L unit -j "$(nproc)"
      ;;
    *) die "there is no check '$step'" ;;
  esac
done
