#!/usr/bin/env bash
# Builds the client and installs it into artifacts/cpp-client/prefix. CMake sees by itself what is up to date.
# Usage: build.sh [OPTION FOR CMAKE]…
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
work=$here/../../artifacts/cpp-client
mkdir -p "$work"
# Two at once would build into the same folder.
exec 9> "$work/lock"
flock 9
cmake -S "$here" -B "$work/build" "$@" > /dev/null
cmake --build "$work/build" --parallel "$(nproc)" > /dev/null
cmake --install "$work/build" --prefix "$work/prefix" > /dev/null
