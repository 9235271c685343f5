#!/usr/bin/env bash
# Writes the contract's Go. `generate.sh FOLDER`: there instead of here. Needs protoc, protoc-gen-go and protoc-gen-go-grpc
# (Debian: protobuf-compiler, libprotobuf-dev, protoc-gen-go-1-5, protoc-gen-go-grpc).
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
target=$(realpath "${1:-$here}")
cd "$here/../../protos"
protoc -I . -I /usr/include --go_out="$target" --go_opt=module=loupegrpc --go-grpc_out="$target" --go-grpc_opt=module=loupegrpc loupe/v1/*.proto
