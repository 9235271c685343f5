#!/usr/bin/env bash
# The contract keeps its promise (protos/README.md): buf's rules of style, nothing that breaks a release, and code for every language that protoc knows here,
# made of the archive that is published. Needs npm, which installs buf beside this file the first time.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cd "$here"
../../scripts/npm-packages.sh buf
buf=$here/node_modules/.bin/buf
cd ../../protos

checks=0 failed=0 skipped=0
check() {
  local what=$1
  shift
  checks=$((checks + 1))
  if ! "$@"; then
    failed=$((failed + 1))
    echo "FAILED: $what"
  fi
}

check "buf lint" "$buf" lint
check "buf format" "$buf" format --diff --exit-code
# `optional` before a type; generators of before 2021 refuse the file.
check "a field is optional" bash -c '! grep -nE "^\s*optional\s" loupe/*/*.proto'
shopt -s nullglob
released=(released/*.binpb)
check "there is no image of a release" test ${#released[@]} -gt 0
for image in "${released[@]}"; do
  # A release may say itself what was mended once after it.
  exceptions=${image%.binpb}.yaml
  check "buf breaking against $image" "$buf" breaking --against "$image" --config "$([[ -e $exceptions ]] && echo "$exceptions" || echo buf.yaml)"
done

# What a stranger has: the archive, protoc and a language's plugin.
stranger=$(mktemp -d)
trap 'rm -rf "$stranger"' EXIT
check "the archive" ../scripts/pack-protos.sh
# Those of other versions may lie beside it.
version=$(grep -oE '<Version>[^<]+' ../Directory.Build.props | cut -d'>' -f2)
tar --extract --file "../artifacts/loupe-protos-$version.tar.gz" --directory "$stranger" --strip-components=1
cd "$stranger"
# generates LANGUAGE FILE [PLUGIN]: protoc writes the file, where the plugin is there.
generates() {
  local language=$1 file=$2 plugin=${3:-}
  if [[ $plugin ]] && ! command -v "$plugin" > /dev/null; then
    echo "skipped: code for $language ($plugin is not there)"
    skipped=$((skipped + 1))
    return
  fi
  mkdir -p "out/$language"
  check "code for $language" protoc -I . -I /usr/include "--${language}_out=out/$language" loupe/v1/*.proto
  check "$file of $language" test -s "out/$language/$file"
}
generates java loupegrpc/v1/AdaptationState.java
generates go loupegrpc/loupe/v1/frame.pb.go protoc-gen-go
generates go-grpc loupegrpc/loupe/v1/service_grpc.pb.go protoc-gen-go-grpc
generates ruby loupe/v1/frame_pb.rb
generates php Loupe/V1/FrameOutcome.php
generates objc loupe/v1/Frame.pbobjc.h
generates python loupe/v1/frame_pb2.py
generates csharp Frame.cs
generates cpp loupe/v1/frame.pb.h
check "the prefix of Objective-C" grep -q "@interface LPEFrame " out/objc/loupe/v1/Frame.pbobjc.h
check "the module of Ruby" grep -q "module Loupe" out/ruby/loupe/v1/frame_pb.rb
echo "contract: $((checks - failed)) passed, $failed failed, $skipped skipped"
((failed == 0))
