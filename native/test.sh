#!/bin/sh
# Builds and runs the tests of native/, as they ship and under AddressSanitizer and UndefinedBehaviorSanitizer.
# Usage: native/test.sh [DIRECTORY]   (default: artifacts/native in the repository)
set -eu

source=$(cd "$(dirname "$0")" && pwd)
directory=${1:-$source/../artifacts/native}

for variant in release sanitize; do
  sanitize=$([ $variant = sanitize ] && echo ON || echo OFF)
  echo "native tests: $variant"
  "$source/build.sh" "$directory/$variant" -DLOUPE_NATIVE_TESTS=ON -DLOUPE_NATIVE_SANITIZE="$sanitize"
  # Leaks are reported by AddressSanitizer as failures too.
  UBSAN_OPTIONS=print_stacktrace=1 "$directory/$variant/tests/loupe_native_tests" --gtest_brief=1
done
