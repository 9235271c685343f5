#!/usr/bin/env bash
# The OpenAPI document: linted by Redocly, and held against what a real server answers. Needs npm; `./build.sh` first.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
root=$(cd ../.. && pwd)
"$root/scripts/npm-packages.sh" redocly

work=$(mktemp -d)
coproc server { exec "${LOUPE_SERVER:-$root/out/loupe-grpc-server}" serve --listen http://127.0.0.1:0 --operations http://127.0.0.1:0 --web http://127.0.0.1:0 2> "$work/server.log"; }
trap 'kill "$server_PID" 2> /dev/null; rm -rf "$work"' EXIT
read -r ready <&"${server[0]}" || { cat "$work/server.log"; exit 1; }
url=$(grep -oE 'web=\S+' <<< "$ready" | cut -d= -f2)

curl -fsS "$url/openapi.json" -o "$work/openapi.json"
# It sends what it is used for to its maker unless told not to.
REDOCLY_TELEMETRY=off REDOCLY_SUPPRESS_UPDATE_NOTICE=true node_modules/.bin/redocly lint --extends recommended "$work/openapi.json" > "$work/lint.log" 2>&1 || {
  cat "$work/lint.log"
  echo "openapi: 0 passed, 1 failed"
  exit 1
}
node check.mjs "$url" "$root/samples"
