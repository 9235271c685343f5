#!/usr/bin/env bash
# Plays the scenario with every client that is built here. `./build.sh` first. Options: those of run.py.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
python=$here/../python
[[ -e $python/src/loupe_grpc/v1/__init__.py && -z $(find "$here/../../protos/loupe" "$python/generate.py" -newer "$python/src/loupe_grpc/v1/__init__.py") ]] || /usr/bin/python3 "$python/generate.py"
# Go's compiler sees by itself what is up to date.
! command -v go > /dev/null || ! [[ -d /usr/share/gocode/src/google.golang.org/grpc ]] || "$here/go/build.sh"
[[ $("$here/../java/missing.sh") ]] || "$here/java/build.sh"
[[ $("$here/../cpp/missing.sh") ]] || "$here/cpp/build.sh"
PYTHONDONTWRITEBYTECODE=1 PYTHONPATH="${PYTHONPATH:-$python/src}" exec "${PYTHON:-/usr/bin/python3}" "$here/run.py" "$@"
