#!/usr/bin/env bash
# Everything that needs a GPU, on a machine that has one: says which libraries are missing, runs the engine's tests on CUDA and on TensorRT,
# the ladder from outside with real engines, and the benchmark. Not part of ./test.sh. Exit codes: 0 all passed, 1 something failed, 77 nothing runs here.
#   tests/gpu/run.sh [--skip-benchmark]
set -uo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
cd "$root"

benchmark=yes
for argument in "$@"; do
  case $argument in
    --skip-benchmark) benchmark=no ;;
    *) echo "usage: tests/gpu/run.sh [--skip-benchmark]" >&2; exit 2 ;;
  esac
done

export LoupeOrt=gpu DOTNET_NOLOGO=1 DOTNET_CLI_TELEMETRY_OPTOUT=1
scripts/prerequisites.sh test || exit 1
./build.sh || exit 1

echo "== what runs here"
out/loupe-grpc-server probe || exit 1
# Prints the providers that run.
mapfile -t providers < <(out/loupe-grpc-server probe --json | python3 -c '
import json, sys
print(*(p["provider"] for p in json.load(sys.stdin)["execution"] if p["runs"] and p["provider"] != "CPU"), sep="\n")')
if ((${#providers[@]} == 0)) || [[ -z ${providers[0]} ]]; then
  echo "Neither CUDA nor TensorRT runs here; the lines above say what is missing. Nothing was tested." >&2
  exit 77
fi

failed=0
for provider in "${providers[@]}"; do
  echo "== the engine's tests on $provider"
  LOUPE_TEST_PROVIDER=$provider tests/LoupeGrpc.UnitTests/bin/Release/net10.0/LoupeGrpc.UnitTests -noColor \
    -class "LoupeGrpc.UnitTests.Engine.Engine*" -class "LoupeGrpc.UnitTests.Engine.Adaptation.*" || failed=1
done

echo "== the ladder from outside"
PYTHONDONTWRITEBYTECODE=1 PYTHONPATH="$root/tests/interop/python" LOUPE_GPU_PROVIDERS="${providers[*]}" \
  python3 -m unittest discover -v -s "$here" -p 'test_*.py' || failed=1

if [[ $benchmark == yes ]]; then
  echo "== benchmark"
  arguments=(--provider CPU)
  for provider in "${providers[@]}"; do
    arguments+=(--provider "$provider")
  done
  nvidia-smi --query-gpu=name,driver_version,memory.total --format=csv,noheader
  both=$(mktemp -d)
  trap 'rm -rf "$both"' EXIT
  out/loupe-grpc-server convert --weights models/loupe-nano/model.safetensors --config models/loupe-nano/config.json \
    --precision fp32,fp16 --output "$both/nano" > /dev/null || failed=1
  for precision in fp32 fp16; do
    tests/LoupeGrpc.Benchmarks/bin/Release/net10.0/LoupeGrpc.Benchmarks execution --model "$both/nano" --precision $precision "${arguments[@]}" || failed=1
  done
fi

exit $failed
