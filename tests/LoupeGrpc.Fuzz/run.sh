#!/usr/bin/env bash
# Fuzzes every parser, managed ones with the coverage that SharpFuzz notes, native ones with libFuzzer, each for a number of seconds.
# Usage: tests/LoupeGrpc.Fuzz/run.sh [SECONDS]   (default: 60). Needs a build and clang. Inputs that are findings are under artifacts/.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
seconds=${1:-60}

status=0
tests/LoupeGrpc.Fuzz/bin/Release/net10.0/LoupeGrpc.Fuzz run --seconds "$seconds" || status=1
native/fuzz.sh "$seconds" || status=1
exit $status
