#!/usr/bin/env bash
# Runs every test. `--l14`: the full-size model too (4 GB of memory and some minutes). `--bare-debian`: ./run.sh on a Debian with nothing but the
# SDK too (root, 4 GB of disk and some minutes). `--fuzz`: every parser is fuzzed for a minute too.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

bare_debian= fuzz=
for argument in "$@"; do
  case $argument in
    --l14) export LOUPE_TEST_L14=1 ;;
    --bare-debian) bare_debian=yes ;;
    --fuzz) fuzz=yes ;;
    *) echo "usage: ./test.sh [--l14] [--bare-debian] [--fuzz]" >&2; exit 2 ;;
  esac
done

export DOTNET_NOLOGO=1 DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_SYSTEM_GLOBALIZATION_INVARIANT=1
. scripts/choose-onnxruntime.sh
scripts/prerequisites.sh test || exit 1
[[ -z $fuzz ]] || scripts/prerequisites.sh fuzz || exit 1
./build.sh || exit 1

passed=0 failed=0 skipped=0
log=$(mktemp)
trap 'rm -f "$log"' EXIT

# count PASSED FAILED SKIPPED
count() {
  passed=$((passed + $1)) failed=$((failed + $2)) skipped=$((skipped + $3))
}

# number WORD: the number that stands behind `WORD: ` in the last line of the log that has one, else 0.
number() {
  grep -oE "$1: [0-9]+" "$log" | tail -n 1 | grep -oE '[0-9]+$' || echo 0
}

# run NAME COMMAND…: shows what the command prints and keeps it for counting. A command that failed without a failed test counts as one.
run() {
  echo
  echo "== $1"
  shift
  # A shell that runs this in the background has it ignore Ctrl-C, which some tests send to the programs.
  env --default-signal=INT "$@" 2>&1 | tee "$log"
  return "${PIPESTATUS[0]}"
}

# xunit PROJECT
xunit() {
  run "$1" "tests/$1/bin/Release/net10.0/$1" -noColor
  local status=$? total bad ignored
  total=$(number Total) bad=$(($(number Failed) + $(number Errors))) ignored=$(number Skipped)
  ((status == 0 || bad > 0)) || bad=1
  count $((total - bad - ignored)) "$bad" "$ignored"
}

run "format" dotnet format LoupeGrpc.sln --verify-no-changes --no-restore && count 1 0 0 || count 0 1 0

xunit LoupeGrpc.UnitTests
xunit LoupeGrpc.FunctionalTests

run "native" native/test.sh
status=$?
tests=$(grep -oE '[0-9]+ tests? passed|PASSED  \] [0-9]+ test' "$log" | grep -oE '[0-9]+' | awk '{ sum += $1 } END { print sum + 0 }')
count "$tests" $((status != 0)) 0

run "native style" native/style.sh && count 1 0 0 || count 0 1 0

# unittest NAME COMMAND: Python's.
unittest() {
  run "$@"
  local status=$? total bad ignored
  total=$(grep -oE '^Ran [0-9]+' "$log" | grep -oE '[0-9]+' || echo 0)
  bad=$(grep -E '^FAILED' "$log" | grep -oE '(failures|errors)=[0-9]+' | grep -oE '[0-9]+' | awk '{ sum += $1 } END { print sum + 0 }')
  ignored=$(grep -E '^(OK|FAILED)' "$log" | grep -oE 'skipped=[0-9]+' | grep -oE '[0-9]+' || echo 0)
  ((status == 0 || bad > 0)) || bad=1
  count $((total > bad + ignored ? total - bad - ignored : 0)) "$bad" "$ignored"
}

unittest "interoperability" tests/interop/run.sh
unittest "privacy" tests/privacy/run.sh
unittest "the gpu package without a GPU" tests/gpu-package/run.sh
[[ -z $fuzz ]] || { run "fuzzing" tests/LoupeGrpc.Fuzz/run.sh && count 1 0 0 || count 0 1 0; }

# checks NAME COMMAND…: of ours; the last line says `…: N passed`, and how many failed or were skipped where some were.
checks() {
  run "$@"
  local status=$? line bad
  line=$(grep -E '^[a-z-]+: [0-9]+ passed' "$log" | tail -n 1)
  of() { grep -oE "[0-9]+ $1" <<< "$line" | grep -oE '[0-9]+' || echo 0; }
  bad=$(of failed)
  ((status == 0 || bad > 0)) || bad=1
  count "$(of passed)" "$bad" "$(of skipped)"
}

checks "the contract's promise" tests/protos/run.sh
run "third-party notices" dotnet run scripts/third-party-notices.cs -- --check && count 1 0 0 || count 0 1 0
unittest "packages" tests/packages/run.sh
checks "what once broke" tests/faults/rerun.sh
if [[ $bare_debian ]]; then
  scripts/prerequisites.sh bare-debian
  checks "a bare Debian" tests/bare-debian/run.sh
fi

echo
echo "$passed passed, $failed failed, $skipped skipped"
((failed == 0))
