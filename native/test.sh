#!/bin/sh
# Builds and runs the tests of native/, over the very objects that ship and under AddressSanitizer and UndefinedBehaviorSanitizer.
# Usage: native/test.sh [DIRECTORY]   (default: artifacts/native in the repository, for the second)
set -eu

source=$(cd "$(dirname "$0")" && pwd)
directory=${1:-$source/../artifacts/native}

# Where LoupeGrpc.Native.csproj builds them: nothing is compiled twice.
shipped=$source/../src/LoupeGrpc.Native/obj/native

# check NAME DIRECTORY [CMake arguments]
check() {
  echo "native tests: $1"
  build=$2
  shift 2
  "$source/build.sh" "$build" -DLOUPE_NATIVE_TESTS=ON "$@"
  # Leaks are reported by AddressSanitizer as failures too.
  UBSAN_OPTIONS=print_stacktrace=1 "$build/tests/loupe_native_tests" --gtest_brief=1
}

check release "$shipped"
check sanitize "$directory/sanitize" -DLOUPE_NATIVE_SANITIZE=ON
