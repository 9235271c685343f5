#!/usr/bin/env bash
# Maven in this folder, offline: plugins and dependencies out of Debian's packages (scripts/prerequisites.sh names them).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
mkdir -p target
# Debian's Surefire is one patch ahead of Maven Central's last 2.22.
exec mvn --offline --batch-mode --quiet --settings settings-debian.xml -Dmaven.repo.local="$PWD/target/m2" -Daether.offline.protocols=file -Dsurefire.version=2.22.3 -Dstrict=true "$@"
