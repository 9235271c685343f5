#!/usr/bin/env bash
# Writes the contract's Java to target/generated-sources/protobuf, or to the folder given. pom.xml does it by itself. Needs protoc and gRPC's plugin
# (Debian: protobuf-compiler, libprotobuf-dev, protobuf-compiler-grpc-java-plugin).
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
target=${1:-$here/target/generated-sources/protobuf}
protos=$here/../../protos
# Maven compiles what is newer.
if [[ -e $target/loupegrpc/v1 && -z $(find "$protos/loupe" "${BASH_SOURCE[0]}" -newer "$target/loupegrpc/v1") ]]; then exit 0; fi
plugin=$(command -v grpc_java_plugin || command -v protoc-gen-grpc-java) || { echo "error: no grpc_java_plugin on the path" >&2; exit 1; }
rm -rf "$target/loupegrpc"
mkdir -p "$target"
protoc -I "$protos" -I /usr/include --java_out="$target" --plugin=protoc-gen-grpc-java="$plugin" --grpc-java_out="$target" "$protos"/loupe/v1/*.proto
# An annotation that the JDK lost with version 11: it would cost a dependency and say nothing.
sed -i '/^@javax.annotation.Generated(/,/)$/d' "$target"/loupegrpc/v1/*Grpc.java
touch "$target/loupegrpc/v1"
