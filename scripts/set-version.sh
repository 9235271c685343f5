#!/usr/bin/env bash
# The next version, wherever it stands: Directory.Build.props says it, and files that cannot read that one repeat it (held by VersionTests).
# Usage: scripts/set-version.sh VERSION
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
new=${1:?usage: scripts/set-version.sh VERSION}
[[ $new =~ ^[0-9]+\.[0-9]+\.[0-9]+$ ]] || { echo "error: '$new' is no version of the form 1.2.3" >&2; exit 2; }
old=$(sed -n 's|.*<Version>\(.*\)</Version>.*|\1|p' Directory.Build.props)
dots=${old//./\\.}

sed -i "s|<Version>$dots</Version>|<Version>$new</Version>|" Directory.Build.props
sed -i "s|^ARG VERSION=$dots$|ARG VERSION=$new|" Dockerfile
sed -i "s|newTag: $dots|newTag: $new|" deploy/kubernetes/base/kustomization.yaml deploy/kubernetes/overlays/gpu/kustomization.yaml
sed -i "s|^version = \"$dots\"$|version = \"$new\"|" clients/python/pyproject.toml
sed -i "s|^VERSION = \"$dots\"$|VERSION = \"$new\"|" clients/python/src/loupe_grpc/_options.py
sed -i "s|\(Version *= \)\"$dots\"|\1\"$new\"|" clients/go/options.go
sed -i "s|loupegrpc@v$dots|loupegrpc@v$new|" clients/go/README.md
sed -i "s|VERSION = \"$dots\"|VERSION = \"$new\"|" clients/java/src/main/java/loupegrpc/ClientOptions.java
sed -i "0,/<version>$dots</s||<version>$new<|" clients/java/pom.xml
sed -i "s|loupe-grpc-$dots\.jar|loupe-grpc-$new.jar|; s|<version>$dots<|<version>$new<|" clients/java/README.md
sed -i "s|loupe-grpc-cpp-$dots-|loupe-grpc-cpp-$new-|; s|find_package(LoupeGrpc ${old%.*} |find_package(LoupeGrpc ${new%.*} |" clients/cpp/README.md
sed -i "s|loupe-grpc-node/$dots|loupe-grpc-node/$new|" clients/node/src/options.ts
sed -i "s|loupe-grpc-$dots\.tgz|loupe-grpc-$new.tgz|" clients/node/README.md
# The first two of a lock file are the package's own; those of others stand behind a `resolved`.
for package in clients/node clients/web; do
  sed -i "0,/\"version\": \"$dots\"/s||\"version\": \"$new\"|" "$package/package.json"
  sed -i "1,12s|\"version\": \"$dots\"|\"version\": \"$new\"|" "$package/package-lock.json"
done
git ls-files '*.lock.json' | xargs sed -i "s|\(\"\(LoupeGrpc\.\|loupe-grpc-\)[A-Za-z.]*\": \"\[\)$dots, )|\1$new, )|"
