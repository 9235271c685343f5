#!/usr/bin/env bash
# Builds the server with the gpu package of ONNX Runtime beside the normal build, and starts it on a machine without an NVIDIA driver, or with one
# that lies. Downloads that package (some 240 MB) the first time. Needs the normal build for its client (`./build.sh` first), gcc and python3.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
export LOUPE_GPU_SERVER=$root/artifacts/gpu-package/bin/Release/net10.0/loupe-grpc-server

cd "$root"
env -u LoupeOrt DOTNET_NOLOGO=1 DOTNET_CLI_TELEMETRY_OPTOUT=1 dotnet build src/LoupeGrpc.Server --configuration Release --verbosity quiet \
  -p:LoupeOrt=gpu -p:LoupeSecondBuild="$root/artifacts/gpu-package"

PYTHONDONTWRITEBYTECODE=1 PYTHONPATH="$root/tests/interop/python" /usr/bin/python3 -m unittest discover -s "$here" -p 'test_*.py' "$@"
