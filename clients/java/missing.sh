#!/usr/bin/env bash
# Says what is not here of what the client is built and tested with; nothing where all of it is. scripts/prerequisites.sh has Debian's packages.
set -euo pipefail
for program in javac javadoc mvn protoc grpc_java_plugin; do command -v "$program" > /dev/null || echo "$program"; done
for jar in grpc-netty netty-handler netty-tcnative perfmark-api protobuf proto-google-common-protos animal-sniffer-annotations gson junit-jupiter; do
  [[ -e /usr/share/java/$jar.jar ]] || echo "$jar.jar"
done
for plugin in org/apache/maven/plugins/maven-{compiler,jar,resources,surefire}-plugin org/codehaus/mojo/{build-helper,exec}-maven-plugin; do
  [[ -d /usr/share/maven-repo/$plugin ]] || echo "${plugin##*/}"
done
