#!/usr/bin/env bash
# Everything about the C++ client: format, warnings, and the packed library in an empty folder: its tests, and README's program. Needs what missing.sh names
# and scripts/prerequisites.sh installs; `./build.sh` of the repository first. Usage: run-tests.sh [--sanitize address,undefined|thread]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
root=$(cd ../.. && pwd)
sanitize=
[[ ${1:-} != --sanitize ]] || sanitize=${2:?usage: run-tests.sh [--sanitize address,undefined|thread]}
cmp LICENSE "$root/LICENSE"
version=$(grep -oE '<Version>[^<]+' "$root/Directory.Build.props" | cut -d'>' -f2)

missing=$(./missing.sh)
if [[ $missing ]]; then
  echo "skipped: not there for C++: ${missing//$'\n'/, } (scripts/prerequisites.sh test names Debian's packages)"
  echo "cpp-client: 0 passed, 0 failed, 1 skipped"
  exit 0
fi
# shellcheck disable=SC2046
clang-format-14 --style=file:"$root/native/.clang-format" --dry-run --Werror $(find include src tests ../scenario/cpp -name '*.cc' -o -name '*.h')

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
build=$root/artifacts/cpp-client/build
if [[ $sanitize ]]; then
  build=$root/artifacts/cpp-client/build-${sanitize//,/-}
  cmake -S . -B "$build" -DLOUPEGRPC_SANITIZE="$sanitize" > "$work/build.log"
  cmake --build "$build" --parallel "$(nproc)" >> "$work/build.log" 2>&1 || { cat "$work/build.log"; exit 1; }
else
  ./build.sh
fi

# The package, and an empty folder.
(cd "$build" && cpack -B "$work/packed" > /dev/null)
package=$(ls "$work"/packed/*.tar.gz)
[[ $package == */loupe-grpc-cpp-$version-* ]] || { echo "Directory.Build.props has version $version, the package is $package"; exit 1; }
mkdir "$work/prefix" "$work/user"
tar --extract --file "$package" --directory "$work/prefix" --strip-components 1
cmp "$work/prefix/share/doc/LoupeGrpc/LICENSE" LICENSE
if [[ ! $sanitize ]]; then
  mkdir -p "$root/artifacts/packages"
  cp "$package" "$root/artifacts/packages/"
fi
# What callers compile has neither gRPC nor protobuf in it; it names the classes of both alone.
! grep -rnE '#include <(grpc|google|loupe/)' "$work/prefix/include/loupegrpc" || exit 1

built() { cmake --build "$1" --parallel "$(nproc)" > "$work/make.log" 2>&1 || { cat "$work/make.log"; exit 1; }; }
tests=$root/artifacts/cpp-client/tests${sanitize:+-${sanitize//,/-}}
# The prefix is another folder each time; what is the same is not compiled anew.
rm -rf "$tests/prefix" && mkdir -p "$tests" && cp --archive "$work/prefix" "$tests/prefix"
cmake -S tests -B "$tests" -DCMAKE_PREFIX_PATH="$tests/prefix" -DLOUPEGRPC_SANITIZE="$sanitize" > /dev/null
built "$tests"
awk '/^```/ { inside = $0 == "```cpp"; next } inside' README.md > "$work/user/main.cc"
awk '/^```/ { inside = $0 == "```cmake"; next } inside' README.md > "$work/user/CMakeLists.txt"

program=${LOUPE_SERVER:-$root/out/loupe-grpc-server}
"$program" key sign --output "$work/receipts.key" > /dev/null 2>&1
coproc server { exec "$program" serve --listen http://127.0.0.1:0 --operations http://127.0.0.1:0 --web off "--Loupe:Receipts:Key=$work/receipts.key" 2> "$work/server.log"; }
trap 'kill "$server_PID" 2> /dev/null; rm -rf "$work"' EXIT
read -r _ address _ <&"${server[0]}" || { cat "$work/server.log"; exit 1; }
export LOUPE_ADDRESS=$address LOUPE_ROOT=$root
export TSAN_OPTIONS="suppressions=$PWD/tests/tsan.supp halt_on_error=0 ${TSAN_OPTIONS:-}" ASAN_OPTIONS="detect_leaks=1 ${ASAN_OPTIONS:-}"
status=0
"$tests/loupegrpc_tests" > "$work/tests.log" 2>&1 || status=1
# of WORD: how many tests did so.
of() { grep -oE "^\[ +$1 +\] [0-9]+ test" "$work/tests.log" | grep -oE '[0-9]+' || echo 0; }
passed=$(of PASSED) failed=$(of FAILED) skipped=$(of SKIPPED)
((status == 0)) || cut -c1-400 "$work/tests.log"
((status == 0 || failed > 0)) || failed=1

sed -i "s|http://127.0.0.1:5005|$address|" "$work/user/main.cc"
cd "$work/user"
mkdir photos
cp "$root/samples/forged-cat-in-coffee.jpg" holiday.jpg
cp "$root/samples/authentic-coffee.jpg" photos/a.jpg
echo broken > photos/b.jpg
cmake -S . -B build -DCMAKE_PREFIX_PATH="$work/prefix" -DCMAKE_CXX_FLAGS="-Wall -Wextra -Wpedantic -Werror ${sanitize:+-fsanitize=$sanitize}" > /dev/null
built build
readme=1
./build/example > readme.log 2>&1 || { echo "README's program ended with $?"; readme=0; }
for line in '^MANIPULATED 0\.' '^76800 [1-9]' '^photos/a.jpg: AUTHENTIC 0\.' '^photos/b.jpg: INVALID, ' '^4 results$' '^goes on at step 0$' '^goes on at step 1$'; do
  grep -qE "$line" readme.log || { echo "README's program did not print $line"; readme=0; }
done
if ((readme)); then passed=$((passed + 1)); else cat readme.log; failed=$((failed + 1)) status=1; fi
echo "cpp-client: $passed passed, $failed failed, $skipped skipped"
exit $status
