#!/usr/bin/env bash
# Builds bin/scenario here, with the client as it lies in clients/java, and gRPC, protobuf and Gson out of Debian's packages.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
client=$here/../../java
jar=$(ls "$client"/target/loupe-grpc-*.jar 2> /dev/null | head -n 1 || true)
if [[ -z $jar || -n $(find "$client/src/main" "$client/pom.xml" "$client/generate.sh" "$here/../../../protos/loupe" -newer "$jar") ]]; then
  rm -f "$client"/target/loupe-grpc-*.jar
  "$client/mvn.sh" -DskipTests package
  jar=$(ls "$client"/target/loupe-grpc-*.jar)
fi
mkdir -p "$here/bin"
jars=$jar:$("$client/debian-jars.sh"):/usr/share/java/gson.jar
javac -Xlint:all,-processing,-classfile -Werror --release 17 -cp "$jars" -d "$here/bin" "$here/Scenario.java"
printf '#!/usr/bin/env bash\nexec java -cp %q Scenario "$@"\n' "$here/bin:$jars" > "$here/bin/scenario"
chmod +x "$here/bin/scenario"
