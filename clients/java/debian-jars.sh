#!/usr/bin/env bash
# The class path of what the client needs at run time, out of Debian's packages.
set -euo pipefail
jars=()
for name in grpc-{api,context,core,stub,protobuf,protobuf-lite,netty} protobuf guava perfmark-api \
  netty-{buffer,codec,codec-http,codec-http2,codec-socks,common,handler,handler-proxy,resolver,transport}; do
  jars+=("/usr/share/java/$name.jar")
done
(IFS=:; echo "${jars[*]}")
