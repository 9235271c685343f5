#!/usr/bin/env bash
# Packs what is published, looks into the packages, and uses them as a stranger would. `./build.sh` first. Leaves them in artifacts/packages.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
# A folder of their own: into artifacts/packages other clients put theirs, at the same time.
export LOUPE_PACKAGES=$root/artifacts/pack/packages

cd "$root"
rm -rf "$LOUPE_PACKAGES"
for project in src/LoupeGrpc.Protocol clients/dotnet/LoupeGrpc.Client clients/dotnet/LoupeGrpc.Client.Cli; do
  # Not into the tool's usual folders: what lies there is for this system alone.
  dotnet pack "$project" --configuration Release --output "$LOUPE_PACKAGES" --verbosity quiet -p:LoupeSecondBuild="$root/artifacts/pack"
done
mkdir -p artifacts/packages
rm -f artifacts/packages/*.{nupkg,snupkg}
cp "$LOUPE_PACKAGES"/* artifacts/packages/

PYTHONDONTWRITEBYTECODE=1 /usr/bin/python3 -m unittest discover -s "$here" -p 'test_*.py' "$@"
