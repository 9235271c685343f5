#!/usr/bin/env bash
# Runs every example against a real server, camera and broker. `./build.sh` first.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
python=$here/../clients/python
[[ -e $python/src/loupe_grpc/v1/__init__.py && -z $(find "$here/../protos/loupe" "$python/generate.py" -newer "$python/src/loupe_grpc/v1/__init__.py") ]] || /usr/bin/python3 "$python/generate.py"
/usr/bin/black --config "$python/pyproject.toml" --check --quiet "$here"/*.py || { /usr/bin/black --config "$python/pyproject.toml" --diff --quiet "$here"/*.py; exit 1; }
/usr/bin/flake8 --config "$python/.flake8" "$here"/*.py
PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=$python/src exec /usr/bin/python3 "$here/test_examples.py"
