#!/usr/bin/env bash
# Packs what is published, looks into the packages, and uses them as a stranger would. `./build.sh` first. Leaves them in artifacts/packages.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
export LOUPE_PACKAGES=$root/artifacts/packages

cd "$root"
rm -rf "$LOUPE_PACKAGES"
for project in src/LoupeGrpc.Protocol clients/dotnet/LoupeGrpc.Client clients/dotnet/LoupeGrpc.Client.Cli; do
  # Not into the tool's usual folders: what lies there is for this system alone.
  dotnet pack "$project" --configuration Release --output "$LOUPE_PACKAGES" --verbosity quiet -p:LoupeSecondBuild="$root/artifacts/pack"
done

PYTHONDONTWRITEBYTECODE=1 /usr/bin/python3 -m unittest discover -s "$here" -p 'test_*.py' "$@"
