#!/usr/bin/env bash
# A stock client of KServe v2 in Node, its stubs made by @grpc/proto-loader, against the built server (`./build.sh` first). Needs npm.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
root=$(cd ../../.. && pwd)
"$root/scripts/npm-packages.sh" proto-loader-gen-types

work=$(mktemp -d)
coproc server { exec "${LOUPE_SERVER:-$root/out/loupe-grpc-server}" serve --listen http://127.0.0.1:0 --operations http://127.0.0.1:0 --web off 2> "$work/server.log"; }
trap 'kill "$server_PID" 2> /dev/null; rm -rf "$work"' EXIT
read -r _ address _ <&"${server[0]}" || { cat "$work/server.log"; exit 1; }
node kserve.mjs "${address#http://}" "$root"
