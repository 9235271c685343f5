#!/usr/bin/env bash
# Runs the commands and a stock gRPC client of another language against the built server (`./build.sh` first).
# Needs Debian's python3-grpcio, protobuf-compiler-grpc and libprotobuf-dev; `./test.sh` sees to that.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)

stubs=$(mktemp -d)
trap 'rm -rf "$stubs"' EXIT
protoc -I "$root/protos" -I /usr/include --python_out="$stubs" --grpc_out="$stubs" \
  --plugin=protoc-gen-grpc="$(command -v grpc_python_plugin)" "$root"/protos/loupe/v1/*.proto "$root"/protos/inference/*.proto

# Debian's interpreter, which sees Debian's packages.
PYTHONDONTWRITEBYTECODE=1 PYTHONPATH="$stubs:$here/python" /usr/bin/python3 -m unittest discover -s "$here/python" -p 'test_*.py' "$@"
