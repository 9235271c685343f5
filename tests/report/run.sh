#!/usr/bin/env bash
# Reports of `loupe-grpc-client … --report` as people have them: in Debian's Chromium, on small screens, without colours, and on paper.
# Needs chromium, poppler-utils and the packages of clients/web; `./build.sh` first.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
root=$(cd ../.. && pwd)

if (($(node --version | grep -oE '[0-9]+' | head -n 1) < 20)); then
  echo "skipped: Node 20 or newer is not there, but $(node --version)"
  echo "report: 0 passed, 0 failed, 1 skipped"
  exit 0
fi
(cd "$root/clients/web" && "$root/scripts/npm-packages.sh" tsc)

log=$(mktemp)
trap 'rm -f "$log"' EXIT
status=0
node --test --test-reporter=tap report.test.mjs > "$log" 2>&1 || status=1
((status == 0)) || cat "$log"
# of WORD: how many tests did so.
of() { grep -oE "^# $1 [0-9]+" "$log" | grep -oE '[0-9]+$' || echo 0; }
echo "report: $(of pass) passed, $(of fail) failed, $(of skipped) skipped"
exit $status
