#!/usr/bin/env bash
# The Rust example with Debian's crates: format, warnings, its own tests with the table of masks, and a session with a real server. Needs cargo and what
# scripts/prerequisites.sh names for it; `./build.sh` first.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
root=$(cd ../.. && pwd)
missing=()
for tool in cargo cargo-fmt clippy-driver protoc; do "$tool" --version > /dev/null 2>&1 || missing+=("$tool"); done
for crate in base64-0.13 bytes-1 futures-util-0.3 h2-0.3 http-0.2 percent-encoding-2 prost-0.11 prost-build-0.11 prost-types-0.11 serde_json-1 tokio-1; do
  compgen -G "/usr/share/cargo/registry/$crate.*" > /dev/null || missing+=("$crate")
done
if ((${#missing[@]})); then
  echo "skipped: not there for Rust: ${missing[*]} (scripts/prerequisites.sh rust names Debian's packages)"
  echo "rust-example: 0 passed, 0 failed, 1 skipped"
  exit 0
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

passed=0 failed=0
# check NAME COMMAND…: shows what the command printed where it fails.
check() {
  if "${@:2}" > "$work/check.log" 2>&1; then
    passed=$((passed + 1))
  else
    echo "FAIL: $1"
    cat "$work/check.log"
    failed=$((failed + 1))
  fi
}

# What crates.io was asked for stands in a lock file with other versions. Clippy is the compiler, which spares compiling all crates once more for it.
rm -f Cargo.lock
export CARGO_TARGET_DIR=$PWD/target CARGO_INCREMENTAL=0 CARGO_PROFILE_DEV_DEBUG=0 CARGO_TERM_COLOR=never RUSTC_WORKSPACE_WRAPPER=clippy-driver
# quiet COMMAND…: without a warning.
quiet() { "$@" > "$work/quiet.log" 2>&1 && ! grep -q '^warning' "$work/quiet.log" || { cat "$work/quiet.log"; return 1; }; }
check "format" cargo fmt --check
check "build" quiet cargo --config debian.toml build --offline
check "tests" quiet cargo --config debian.toml test --offline
passed=$((passed + $(grep -oE '[0-9]+ passed' "$work/quiet.log" | grep -oE '[0-9]+' || echo 0)))
if ((failed > 0)); then
  echo "rust-example: $passed passed, $failed failed, 0 skipped"
  exit 1
fi

coproc server { exec "${LOUPE_SERVER:-$root/out/loupe-grpc-server}" serve --listen http://127.0.0.1:0 --operations http://127.0.0.1:0 --web off 2> "$work/server.log"; }
process=$server_PID
trap 'kill "$process" 2> /dev/null; rm -rf "$work"' EXIT
read -r _ address _ <&"${server[0]}" || { cat "$work/server.log"; exit 1; }
address=${address#http://}
echo broken > "$work/broken.jpg"
cp "$root/samples/forged-cat-inpainted.png" "$root/samples/authentic-coffee.jpg" "$work/"

# analyze STATUS FILE…: leaves what it printed in out.log, and its errors in err.log.
analyze() {
  local expected=$1 status=0
  shift
  target/debug/analyze "$@" > "$work/out.log" 2> "$work/err.log" || status=$?
  ((status == expected)) || { echo "exit code $status"; cat "$work"/{out,err}.log; return 1; }
}
# line FILE NUMBER PATTERN
line() { sed -n "$2p" "$work/$1.log" | grep -qE "$3" || { cat "$work/$1.log"; return 1; }; }
check "a session" analyze 0 "$address" "$work"/{forged-cat-inpainted.png,broken.jpg,authentic-coffee.jpg}
check "a mask" line out 1 '/forged-cat-inpainted\.png: MANIPULATED 0\.[0-9]{3} [1-9][0-9]* of [1-9][0-9]* pixels$'
check "a file that is no picture" line out 2 '/broken\.jpg: INVALID, '
check "a file behind it" line out 3 '/authentic-coffee\.jpg: AUTHENTIC 0\.[0-9]{3}$'
check "the summary" line out 4 '^2 results$'
check "a file that is not there" analyze 1 "$address" "$work"/{authentic-coffee,nowhere,authentic-coffee}.jpg
check "which one" line err 1 '/nowhere\.jpg: No such file'
check "what was sent before it" line out 1 '/authentic-coffee\.jpg: AUTHENTIC'
check "and nothing behind it" line out 2 '^1 results$'
check "an unreachable server" analyze 1 127.0.0.1:9 "$work/authentic-coffee.jpg"
check "which one" line err 1 '^127\.0\.0\.1:9: cannot be reached: '
check "and no more than that" test "$(wc -l < "$work/err.log")" = 1
echo "rust-example: $passed passed, $failed failed, 0 skipped"
((failed == 0))
