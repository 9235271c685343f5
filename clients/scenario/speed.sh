#!/usr/bin/env bash
# Frames a second and processor time of each client with one stream of 1080p, JPEG and raw NV12, against one server: three rounds side by side in turn.
# Usage: speed.sh [COUNT]. The server computes meanwhile on the same machine: what is compared is the clients, not this number with another machine's.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$here/../..
count=${1:-100}
export PYTHONPATH=${PYTHONPATH:-$root/clients/python/src} PYTHONDONTWRITEBYTECODE=1
coproc server { exec "${LOUPE_SERVER:-$root/out/loupe-grpc-server}" serve --listen http://127.0.0.1:0 --operations http://127.0.0.1:0 --web off 2> /dev/null; }
trap 'kill "$server_PID"' EXIT
read -r _ address _ <&"${server[0]}"
for round in 1 2 3; do
  for kind in "$root/tests/data/preprocess/rgb-1920x1080.jpg" nv12; do
    for client in dotnet python python-asyncio node go java cpp; do
      case $client in
        dotnet) command=("$root/tests/LoupeGrpc.Scenario/bin/Release/net10.0/LoupeGrpc.Scenario") ;;
        python) command=("${PYTHON:-/usr/bin/python3}" "$here/python/scenario.py") ;;
        python-asyncio) command=("${PYTHON:-/usr/bin/python3}" "$here/python/scenario.py" --async) ;;
        node) command=(node "$root/clients/node/dist/test/scenario.js") ;;
        go) command=("$here/go/bin/scenario") ;;
        java) command=("$here/java/bin/scenario") ;;
        cpp) command=("$here/cpp/bin/scenario") ;;
      esac
      [[ -e ${command[1]:-${command[0]}} ]] || continue
      echo "$round $(basename "$kind") $client $("${command[@]}" --speed "$address" "$kind" "$count")"
    done
  done
done
