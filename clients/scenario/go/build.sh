#!/usr/bin/env bash
# Builds bin/scenario here, with the client as it lies in clients/go, and gRPC and protobuf out of Debian's packages.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/src"
ln -s "$(realpath "$here/../../go")" "$work/src/loupegrpc"
ln -s "$here" "$work/src/scenario"
GO111MODULE=off GOPATH=$work:/usr/share/gocode GOFLAGS=-trimpath go build "$@" -o "$here/bin/scenario" scenario
