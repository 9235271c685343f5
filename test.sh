#!/usr/bin/env bash
# Runs every test. `--l14`: the full-size model too (4 GB of memory and some minutes). `--bare-debian`: ./run.sh on a Debian with nothing but the
# SDK too (root, 4 GB of disk and some minutes). `--container`: the image is built from the sources, not from out/ (some minutes). `--fuzz`: every parser is
# fuzzed for a minute too. `--soak`: four times the frames that the server can do for half an hour, not a minute. `--systemd`: the
# service under a booted systemd too (root, 2 GB of disk and some minutes). `--rust`: the Rust example too, with 130 packages of Debian's crates; without it where they are there.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

bare_debian= fuzz= rust= systemd= whole_image=
for argument in "$@"; do
  case $argument in
    --l14) export LOUPE_TEST_L14=1 ;;
    --bare-debian) bare_debian=yes ;;
    --container) whole_image=--whole ;;
    --fuzz) fuzz=yes ;;
    --rust) rust=yes ;;
    --systemd) systemd=yes ;;
    --soak) export LOUPE_OVERLOAD_SECONDS=1800 ;;
    *) echo "usage: ./test.sh [--l14] [--bare-debian] [--container] [--fuzz] [--rust] [--soak] [--systemd]" >&2; exit 2 ;;
  esac
done

export DOTNET_NOLOGO=1 DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_SYSTEM_GLOBALIZATION_INVARIANT=1
. scripts/choose-onnxruntime.sh
scripts/prerequisites.sh test || exit 1
[[ -z $fuzz ]] || scripts/prerequisites.sh fuzz || exit 1
[[ -z $rust ]] || scripts/prerequisites.sh rust || exit 1
./build.sh || exit 1

work=$(mktemp -d)
lanes=()
# Whatever ends this script ends the lanes too, with all that they started.
stop() {
  for lane in "${lanes[@]}"; do kill -TERM -- "-$lane" 2> /dev/null; done
  rm -rf "$work"
}
trap stop EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# count PASSED FAILED SKIPPED
count() {
  echo "$*" >> "$work/counts"
}

# number WORD: the number that stands behind `WORD: ` in the last line of the log that has one, else 0.
number() {
  grep -oE "$1: [0-9]+" "$log" | tail -n 1 | grep -oE '[0-9]+$' || echo 0
}

# failures: of the log, the lines about tests that failed; where no line says so, its end.
failures() {
  grep -nE -A 12 '\[FAIL\]|^(FAIL|ERROR):|^(FAILED|E ) |not ok|--- FAIL|FAILED  \]| failed\b' "$log" | head -n 120 | grep . || tail -n 40 "$log"
}

# run NAME COMMAND…: shows at its end what the command printed, and keeps it for counting. A command that failed without a failed test counts as one.
# Said with it: how long it took, and how much of the processors, with all that it started and waited for.
run() {
  local name=$1 status TIMEFORMAT='%0R s, of the processors %0U + %0S s'
  shift
  # A shell that runs this in the background has it ignore Ctrl-C, and nohup the hang-up; some tests send them to the programs.
  { time env --default-signal=INT,HUP "$@" > "$log" 2>&1 < /dev/null; } 2> "$log.time"
  status=$?
  {
    flock 9
    printf '\n== %s (%s)\n' "$name" "$(< "$log.time")"
    cat "$log"
    ((status == 0)) || { printf '\n== %s\n' "$name"; failures; } >> "$work/failures"
  } 9> "$work/shown"
  return $status
}

# holds NAME COMMAND…: one check, which the exit code answers.
holds() {
  run "$@" && count 1 0 0 || count 0 1 0
}

# xunit NAME PROJECT OPTIONS…
xunit() {
  run "$1" "tests/$2/bin/Release/net10.0/$2" -noColor "${@:3}"
  local status=$? total bad ignored
  total=$(number Total) bad=$(($(number Failed) + $(number Errors))) ignored=$(number Skipped)
  ((status == 0 || bad > 0)) || bad=1
  count $((total - bad - ignored)) "$bad" "$ignored"
}

# native: GoogleTest's, of several builds.
native() {
  run "native" native/test.sh
  local status=$? tests
  tests=$(grep -oE 'PASSED  \] [0-9]+ test' "$log" | grep -oE '[0-9]+' | awk '{ sum += $1 } END { print sum + 0 }')
  count "$tests" $((status != 0)) 0
}

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

# Three lanes beside each other, since much of what they do waits: for processes, deadlines and timeouts. What builds .NET is in one alone, one after the other.
served() {
  # More of them at once than there are processors: most of a test is a server's start, a client's pause.
  xunit LoupeGrpc.FunctionalTests LoupeGrpc.FunctionalTests -trait- Suite=overload -maxThreads 1.5x
  others
}
built() {
  xunit LoupeGrpc.UnitTests LoupeGrpc.UnitTests
  native
  holds "native style" native/style.sh
  # Rules of style and of analyzers are errors of the build already; what it does not see is white space, and the order of imports (ImportOrderTests).
  holds "format" dotnet format whitespace . --folder --verify-no-changes --exclude artifacts
  unittest "the gpu package without a GPU" tests/gpu-package/run.sh
  checks "the image" tests/container/run.sh $whole_image
  unittest "packages" tests/packages/run.sh
  holds "third-party notices" dotnet run scripts/third-party-notices.cs -- --check
  others
}

# The rest, of which no two write the same files: what nobody has begun yet is for the lane that is free. What takes long is first.
clients() {
  checks "the Python client" clients/python/run-tests.sh
  checks "the Node client" clients/node/run-tests.sh
  checks "the Go client" clients/go/run-tests.sh
  checks "the Java client" clients/java/run-tests.sh
  checks "the C++ client" clients/cpp/run-tests.sh
  checks "the Ruby example" clients/ruby/run-tests.sh
  checks "the Rust example" clients/rust/run-tests.sh
  # With what those have built.
  checks "one scenario, every client" clients/scenario/run.sh
  unittest "examples" examples/run-tests.sh
}
faults() { checks "what once broke" tests/faults/rerun.sh; }
deployed() { checks "what operators deploy" tests/deploy/run.sh; }
outside() {
  unittest "interoperability" tests/interop/run.sh
  unittest "privacy" tests/privacy/run.sh
  checks "KServe's stubs in Node" tests/interop/node/run.sh
}
page() {
  checks "the page" clients/web/run-tests.sh
  checks "reports on screens and on paper" tests/report/run.sh
  checks "the OpenAPI document" tests/openapi/run.sh
}
contract() {
  checks "the contract's promise" tests/protos/run.sh
  holds "fuzzing, a second each" tests/LoupeGrpc.Fuzz/bin/Release/net10.0/LoupeGrpc.Fuzz run --seconds 1
}
printf '%s\n' clients faults deployed outside page contract > "$work/rest"
others() {
  local next
  while next=$(taken) && [[ $next ]]; do "$next"; done
}
# taken: the first line of `rest`, which is no longer there.
taken() {
  {
    flock 8
    head -n 1 "$work/rest"
    sed -i 1d "$work/rest"
  } 8> "$work/taking"
}

# lane FUNCTION: in a process group of its own, which `stop` can end.
lane() {
  set -m
  (
    log=$(mktemp -p "$work")
    "$1"
    true
  ) &
  set +m
  lanes+=($!)
}
# Of other versions packages may lie there.
rm -rf artifacts/packages
lane served
lane built
lane others
for process in "${lanes[@]}"; do wait "$process" || count 0 1 0; done
lanes=()

# What wants the machine for itself.
log=$work/log
xunit "four times what it can do" LoupeGrpc.FunctionalTests -trait Suite=overload -showLiveOutput
[[ -z $fuzz ]] || holds "fuzzing" tests/LoupeGrpc.Fuzz/run.sh
if [[ $systemd ]]; then
  scripts/prerequisites.sh systemd
  checks "the service under systemd" tests/deploy/systemd.sh
fi
if [[ $bare_debian ]]; then
  scripts/prerequisites.sh bare-debian
  checks "a bare Debian" tests/bare-debian/run.sh
fi

# Last, since whoever reads a long log reads its end.
[[ ! -s $work/failures ]] || { printf '\n== what failed\n'; cat "$work/failures"; }

echo
awk '{ passed += $1; failed += $2; skipped += $3 } END { printf "%d passed, %d failed, %d skipped\n", passed, failed, skipped; exit failed > 0 }' "$work/counts"
