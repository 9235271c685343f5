#!/usr/bin/env bash
# Everything about the page: what the server has of it is what this builds, format, style, types, and all of its features in Chromium.
# Needs npm, protoc and Debian's chromium; `./build.sh` first. LOUPE_UPDATE_DOCUMENTS=1 builds the server's copy and takes the documents' pictures anew;
# LOUPE_PAGE_SECONDS=3600 has the stream that must not grow go on for an hour.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
root=$(cd ../.. && pwd)
built=$root/src/LoupeGrpc.Server/page

if (($(node --version | grep -oE '[0-9]+' | head -n 1) < 20)); then
  echo "skipped: Node 20 or newer is not there, but $(node --version)"
  echo "page: 0 passed, 0 failed, 1 skipped"
  exit 0
fi
"$root/scripts/npm-packages.sh" tsc
npm run --silent generate
npm run --silent lint
npx tsc --noEmit

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
if [[ -n ${LOUPE_UPDATE_DOCUMENTS:-} ]]; then
  npx vite build --logLevel warn
  echo "the server's copy is new: ./build.sh takes it over"
else
  npx vite build --logLevel warn --outDir "$work/page"
  diff -r "$work/page" "$built" || { echo "src/LoupeGrpc.Server/page is not what clients/web builds: run LOUPE_UPDATE_DOCUMENTS=1 clients/web/run-tests.sh"; exit 1; }
fi

status=0
node --test --test-reporter=tap test/*.test.mjs > "$work/tests.log" 2>&1 || status=1
((status == 0)) || cat "$work/tests.log"
# of WORD: how many tests did so.
of() { grep -oE "^# $1 [0-9]+" "$work/tests.log" | grep -oE '[0-9]+$' || echo 0; }
echo "page: $(of pass) passed, $(of fail) failed, $(of skipped) skipped"
exit $status
