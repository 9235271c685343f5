#!/usr/bin/env bash
# Everything about the Python client: format, style, types, tests, and the built wheel in an empty environment, where the tests run again.
# Needs Debian's black, flake8, mypy, python3-pytest, python3-build, python3-hatchling and protoc; `./build.sh` first.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
root=$(cd ../.. && pwd)
python=${PYTHON:-/usr/bin/python3}
export PYTHONDONTWRITEBYTECODE=1

cmp LICENSE "$root/LICENSE"
version=$(grep -oE '<Version>[^<]+' "$root/Directory.Build.props" | cut -d'>' -f2)
grep -qx "version = \"$version\"" pyproject.toml && grep -qx "VERSION = \"$version\"" src/loupe_grpc/_options.py ||
  { echo "Directory.Build.props has version $version, pyproject.toml or _options.py another"; exit 1; }

"$python" generate.py
black=(/usr/bin/black --config pyproject.toml --quiet)
files=(generate.py src tests ../scenario)
"${black[@]}" --check "${files[@]}" || { "${black[@]}" --diff "${files[@]}"; exit 1; }
/usr/bin/flake8 "${files[@]}"
/usr/bin/mypy
/usr/bin/mypy --config-file pyproject.toml -p loupe_grpc --python-version 3.12 > /dev/null

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$root/artifacts/packages"
# The source archive, and the wheel out of it: as an index's users may have to.
"$python" -m build --no-isolation --skip-dependency-check --outdir "$work/dist" . > "$work/build.log" 2>&1 || { cat "$work/build.log"; exit 1; }
cp "$work"/dist/* "$root/artifacts/packages"
"$python" -m venv --system-site-packages "$work/venv"
"$work/venv/bin/pip" install --quiet --no-index --disable-pip-version-check "$work"/dist/*.whl
# Nothing of the checkout's sources is on the path from here on.
"$work/venv/bin/python" -c 'import loupe_grpc, sys; assert loupe_grpc.__file__.startswith(sys.prefix), loupe_grpc.__file__'
tests=0
"$work/venv/bin/python" -m pytest -q -rs -p no:cacheprovider "$@" | tee "$work/tests.log" || tests=1
# A user's program is type-checked against the installed package.
cat > "$work/program.py" <<'PROGRAM'
import loupe_grpc

client = loupe_grpc.LoupeClient()
reveal_type(client.analyze_image(b"").score)
reveal_type(next(client.analyze([])).index)
PROGRAM
types=$(cd "$work" && /usr/bin/mypy --python-executable "$work/venv/bin/python" --ignore-missing-imports program.py) || { echo "$types"; exit 1; }
[[ $(grep -c 'is "builtins\.\(float\|int\)"' <<< "$types") == 2 ]] || { echo "$types"; exit 1; }

# of WORD: how many tests did so.
of() { grep -oE "[0-9]+ $1" "$work/tests.log" | tail -n 1 | grep -oE '^[0-9]+' || echo 0; }
echo "python-client: $(of passed) passed, $(($(of failed) + $(of 'errors?'))) failed, $(of skipped) skipped"
exit $tests
