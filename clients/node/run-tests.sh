#!/usr/bin/env bash
# Everything about the Node client: generated, built, format, style, types, tests, and all of that once more with the packed package in an empty folder.
# Needs npm and protoc; `./build.sh` first.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
root=$(cd ../.. && pwd)
cmp LICENSE "$root/LICENSE"
version=$(grep -oE '<Version>[^<]+' "$root/Directory.Build.props" | cut -d'>' -f2)
grep -q "\"version\": \"$version\"" package.json || { echo "Directory.Build.props has version $version, package.json another"; exit 1; }

if (($(node --version | grep -oE '[0-9]+' | head -n 1) < 20)); then
  echo "skipped: Node 20 or newer is not there, but $(node --version)"
  echo "node-client: 0 passed, 0 failed, 1 skipped"
  exit 0
fi
"$root/scripts/npm-packages.sh" tsc
npm run --silent build
npm run --silent lint

work=$(mktemp -d)
program=${LOUPE_SERVER:-$root/out/loupe-grpc-server}
"$program" key sign --output "$work/receipts.key" > /dev/null 2>&1
coproc server { exec "$program" serve --listen http://127.0.0.1:0 --operations http://127.0.0.1:0 --web off "--Loupe:Receipts:Key=$work/receipts.key" 2> "$work/server.log"; }
trap 'kill "$server_PID" 2> /dev/null; rm -rf "$work"' EXIT
read -r _ address _ <&"${server[0]}" || { cat "$work/server.log"; exit 1; }

# An empty folder, the package as npm packs it, and its dependencies from where they lie here.
mkdir -p "$root/artifacts/packages" "$work/user"
package=$(npm pack --silent --pack-destination "$root/artifacts/packages")
cd "$work/user"
echo '{ "private": true, "type": "module" }' > package.json
npm install --ignore-scripts --no-audit --no-fund --loglevel=error --prefer-offline "$root/artifacts/packages/$package"
cp "$root"/clients/node/dist/test/*.test.js .
export LOUPE_ADDRESS=$address LOUPE_ROOT=$root LOUPE_README=$root/clients/node/README.md
status=0
node --test --test-reporter=tap . > "$work/tests.log" 2>&1 || status=1
((status == 0)) || cat "$work/tests.log"
# of WORD: how many tests did so.
of() { grep -oE "^# $1 [0-9]+" "$work/tests.log" | grep -oE '[0-9]+$' || echo 0; }
echo "node-client: $(of pass) passed, $(of fail) failed, $(of skipped) skipped"
exit $status
