#!/usr/bin/env bash
# The contract keeps its promise (protos/README.md): buf's rules of style, and nothing that breaks a release. Needs npm, which installs buf beside this file
# the first time.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cd "$here"
if ! [[ -x node_modules/.bin/buf && node_modules/.package-lock.json -nt package-lock.json ]]; then
  npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
fi
buf=$here/node_modules/.bin/buf
cd ../../protos

checks=0 failed=0
check() {
  local what=$1
  shift
  checks=$((checks + 1))
  if ! "$@"; then
    failed=$((failed + 1))
    echo "FAILED: $what"
  fi
}

check "buf lint" "$buf" lint
check "buf format" "$buf" format --diff --exit-code
# `optional` before a type; generators of before 2021 refuse the file.
check "a field is optional" bash -c '! grep -nE "^\s*optional\s" loupe/*/*.proto'
shopt -s nullglob
released=(released/*.binpb)
check "there is no image of a release" test ${#released[@]} -gt 0
for image in "${released[@]}"; do
  check "buf breaking against $image" "$buf" breaking --against "$image"
done
echo "contract: $((checks - failed)) passed, $failed failed"
((failed == 0))
