#!/bin/sh
# Builds libloupe_native.so into the given directory. Used by LoupeGrpc.Native.csproj, and fine by hand:
#   native/build.sh DIRECTORY [CMake arguments]
# Several builds into one directory wait for each other. Errors are in the form that MSBuild reports as its own.
set -eu

source=$(cd "$(dirname "$0")" && pwd)
output=${1:?usage: build.sh DIRECTORY [CMake arguments]}
shift

fail() {
  echo "native/build.sh : error LOUPE0001: $1" >&2
  exit 1
}

command -v cmake >/dev/null || fail "CMake is missing: install the package cmake (3.25 or later)."
command -v "${CXX:-c++}" >/dev/null || fail "A C++20 compiler is missing: install the package g++ (12 or later)."
command -v make >/dev/null || command -v ninja >/dev/null || fail "make is missing: install the package make."
echo '#include <hwy/highway.h>' | "${CXX:-c++}" -std=c++20 -fsyntax-only -x c++ - 2>/dev/null ||
  fail "Google Highway is missing: install the package libhwy-dev (1.0.3 or later)."

mkdir -p "$output"
exec 9>"$output/.lock"
flock 9

generator=$(command -v ninja >/dev/null && echo Ninja || echo 'Unix Makefiles')
[ -f "$output/CMakeCache.txt" ] || set -- -G "$generator" "$@"
# Without the tests where nobody asks for them, also after native/test.sh did in this directory.
cmake -S "$source" -B "$output" -DCMAKE_BUILD_TYPE=Release -DLOUPE_NATIVE_TESTS=OFF "$@" >"$output/configure.log" 2>&1 || {
  cat "$output/configure.log" >&2
  fail "CMake could not configure native/: see $output/configure.log."
}
cmake --build "$output" --parallel "$(nproc)" >"$output/build.log" 2>&1 || {
  cat "$output/build.log" >&2
  fail "native/ does not compile: see $output/build.log."
}
