#!/usr/bin/env bash
# What a session notices of crowds that misbehave, in milliseconds and mebibytes (`./build.sh` first; an otherwise idle machine; two minutes).
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
clients=$(cd "$here/../../clients/python" && pwd)

/usr/bin/python3 "$clients/generate.py"
exec env PYTHONDONTWRITEBYTECODE=1 PYTHONPATH="$here/../interop/python:$clients/src" /usr/bin/python3 "$here/beside.py"
