#!/usr/bin/env bash
# Packs the contract as one archive, artifacts/loupe-protos-VERSION.tar.gz: what another language's build unpacks and hands to protoc. The same files give
# the same bytes.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
version=$(grep -oE '<Version>[^<]+' Directory.Build.props | cut -d'>' -f2)
name=loupe-protos-$version
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
mkdir -p "$folder/$name" artifacts
cp -r protos/loupe protos/README.md protos/buf.yaml LICENSE "$folder/$name"
tar --create --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner --mode='u=rwX,go=rX' --directory "$folder" "$name" | gzip --no-name --best > "artifacts/$name.tar.gz"
echo "artifacts/$name.tar.gz"
