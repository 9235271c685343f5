#!/usr/bin/env bash
# Builds bin/scenario here, with the client as it lies in clients/cpp, installed under artifacts/, and gRPC, protobuf and JSON out of Debian's packages.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
work=$here/../../../artifacts/cpp-client
"$here/../../cpp/build.sh"
cmake -S "$here" -B "$work/scenario" -DCMAKE_PREFIX_PATH="$(realpath "$work/prefix")" > /dev/null
cmake --build "$work/scenario" --parallel "$(nproc)" > /dev/null
