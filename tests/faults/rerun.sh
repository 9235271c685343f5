#!/usr/bin/env bash
# Runs again everything that once broke, against the built programs (`./build.sh` first), and shows what it did before beside what it does now.
# Fails where something is not as it should be. Arguments: words, of which a case's name must hold one.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

exec env PYTHONDONTWRITEBYTECODE=1 PYTHONPATH="$here/../interop/python" /usr/bin/python3 "$here/rerun.py" "$@"
