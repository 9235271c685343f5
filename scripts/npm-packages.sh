#!/usr/bin/env bash
# Installs what this folder's package-lock.json names, unless that is done. Usage: scripts/npm-packages.sh PROGRAM   (one that the packages bring)
set -euo pipefail
if ! [[ -x node_modules/.bin/$1 && node_modules/.package-lock.json -nt package-lock.json ]]; then
  npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
fi
