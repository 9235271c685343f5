#!/usr/bin/env bash
# Measures this server beside a Python server on the same weights (tests/LoupeGrpc.Benchmarks/peer), in turn within one run: 8 streams and 1 stream, some minutes.
# Prints a table and leaves the figures in out/bench/figures.json. Close what else runs first.
#   --wheels DIR    folder of wheels of onnxruntime and pycocotools for Debian's python3, instead of PyPI (or LOUPE_PEER_WHEELS)
#   --export FILE   the embedded model as one plain ONNX file, for the peer, instead of this project's graphs (or LOUPE_PEER_EXPORT)
# What stands behind -- goes to `compare` (--rounds N, --seconds S, --peer-threads N) and, behind another --, to the server.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
wheels=${LOUPE_PEER_WHEELS:-} export=${LOUPE_PEER_EXPORT:-}
while (($#)); do
  case $1 in
    --wheels) wheels=${2:?--wheels wants a folder}; shift 2 ;;
    --export) export=${2:?--export wants a file}; shift 2 ;;
    --) shift; break ;;
    *) echo "usage: ./bench.sh [--wheels DIR] [--export FILE] [-- OPTIONS]" >&2; exit 2 ;;
  esac
done

export DOTNET_NOLOGO=1 DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_SYSTEM_GLOBALIZATION_INVARIANT=1
. scripts/choose-onnxruntime.sh
scripts/prerequisites.sh bench
./build.sh --programs
dotnet build tests/LoupeGrpc.Benchmarks --configuration Release --verbosity quiet

work=$PWD/out/bench peer=tests/LoupeGrpc.Benchmarks/peer
mkdir -p "$work/stubs"
if ! "$work/python/bin/python" -I -c 'import onnxruntime, pycocotools' 2> /dev/null; then
  # Not from anywhere else where a folder is given. Debian's own numpy, OpenCV and gRPC do for both.
  /usr/bin/python3 -m venv --clear --system-site-packages "$work/python"
  "$work/python/bin/pip" install --quiet --no-deps ${wheels:+--no-index --find-links "$wheels"} --requirement "$peer/requirements.txt" || {
    echo "error: the peer wants $(paste -sd' ' "$peer/requirements.txt") for $(/usr/bin/python3 --version)," >&2
    echo "  and ${wheels:-PyPI} does not have them: name a folder that does by --wheels DIR or LOUPE_PEER_WHEELS" >&2
    exit 1
  }
fi
protoc -I protos -I /usr/include --python_out="$work/stubs" --grpc_out="$work/stubs" \
  --plugin=protoc-gen-grpc="$(command -v grpc_python_plugin)" protos/loupe/v1/*.proto
out/loupe-grpc-server convert --weights models/loupe-nano/model.safetensors --config models/loupe-nano/config.json --output "$work/model" --name loupe-nano \
  --overwrite > "$work/convert.log" 2>&1 || { cat "$work/convert.log" >&2; exit 1; }

PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=$work/stubs tests/LoupeGrpc.Benchmarks/bin/Release/net10.0/LoupeGrpc.Benchmarks compare \
  --python "$work/python/bin/python" --model "$work/model" --json "$work/figures.json" ${export:+--export "$export"} "$@"
