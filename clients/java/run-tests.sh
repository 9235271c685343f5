#!/usr/bin/env bash
# Everything about the Java client: generated, format, warnings, documentation, and the packed jar in an empty Maven project: its tests, and README's program.
# Needs Maven, gRPC and protobuf for Java out of Debian's packages, and npm for the format; `./build.sh` first.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
root=$(cd ../.. && pwd)
cmp LICENSE "$root/LICENSE"
version=$(grep -oE '<Version>[^<]+' "$root/Directory.Build.props" | cut -d'>' -f2)
grep -q "VERSION = \"$version\"" src/main/java/loupegrpc/ClientOptions.java || { echo "Directory.Build.props has version $version, ClientOptions.java another"; exit 1; }

missing=$(./missing.sh)
if [[ $missing ]]; then
  echo "skipped: not there for Java: ${missing//$'\n'/, } (scripts/prerequisites.sh test names Debian's packages)"
  echo "java-client: 0 passed, 0 failed, 1 skipped"
  exit 0
fi
skipped=0
if command -v npm > /dev/null; then
  "$root/scripts/npm-packages.sh" prettier
  node_modules/.bin/prettier --log-level warn --check 'src/**/*.java' package.json
  node_modules/.bin/prettier --log-level warn --config package.json --plugin prettier-plugin-java --check ../scenario/java/Scenario.java
else
  echo "skipped: the format needs npm"
  skipped=1
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
./mvn.sh -DskipTests package
jar=target/loupe-grpc-$version.jar
mkdir "$work/jar"
(cd "$work/jar" && jar --extract --file "$OLDPWD/$jar" META-INF)
cmp "$work/jar/META-INF/LICENSE" LICENSE
grep -q "^Implementation-Version: $version" "$work/jar/META-INF/MANIFEST.MF"
javadoc -quiet -Werror -Xdoclint:all --release 17 -d "$work/documentation" -classpath "$jar:$(./debian-jars.sh)" src/main/java/loupegrpc/*.java
mkdir -p "$root/artifacts/packages"
cp "$jar" "$root/artifacts/packages/"

# An empty project and an empty repository, with the jar and its pom as `mvn install` lays them.
installed=$work/m2/loupegrpc/loupe-grpc/$version
mkdir -p "$installed" "$work/user/src/main/java" "$work/user/src/test" "$work/native"
cp "$jar" "$installed/"
cp pom.xml "$installed/loupe-grpc-$version.pom"
sed "s/@VERSION@/$version/; s|@NATIVE@|$work/native|" user-pom.xml > "$work/user/pom.xml"
cp -r src/test/java "$work/user/src/test/"
awk '/^```/ { inside = $0 == "```java"; next } inside' README.md > "$work/user/src/main/java/Example.java"
# Netty looks for it by this name, which Debian's package does not have.
cp /usr/lib/*/jni/libnetty-tcnative.so "$work/native/libnetty_tcnative.so"

program=${LOUPE_SERVER:-$root/out/loupe-grpc-server}
"$program" key sign --output "$work/receipts.key" > /dev/null 2>&1
coproc server { exec "$program" serve --listen http://127.0.0.1:0 --operations http://127.0.0.1:0 --web off "--Loupe:Receipts:Key=$work/receipts.key" 2> "$work/server.log"; }
trap 'kill "$server_PID" 2> /dev/null; rm -rf "$work"' EXIT
read -r _ address _ <&"${server[0]}" || { cat "$work/server.log"; exit 1; }
export LOUPE_ADDRESS=$address LOUPE_ROOT=$root
sed -i "s|http://127.0.0.1:5005|$address|" "$work/user/src/main/java/Example.java"
status=0
./mvn.sh --file "$work/user/pom.xml" -Dmaven.repo.local="$work/m2" package > "$work/tests.log" 2>&1 || status=1
((status == 0)) || cut -c1-300 "$work/tests.log"
# of WORD: how many tests did so.
of() { cat "$work"/user/target/surefire-reports/*.txt 2> /dev/null | grep -oE "$1: [0-9]+" | grep -oE '[0-9]+' | awk '{ sum += $1 } END { print sum + 0 }'; }
failed=$(($(of Failures) + $(of Errors)))
skipped=$((skipped + $(of Skipped)))
passed=$(($(of 'Tests run') - failed - $(of Skipped)))

mkdir "$work/user/photos"
cp "$root/samples/forged-cat-in-coffee.jpg" "$work/user/holiday.jpg"
cp "$root/samples/authentic-coffee.jpg" "$work/user/photos/a.jpg"
echo broken > "$work/user/photos/b.jpg"
here=$PWD
cd "$work/user"
"$here/mvn.sh" --file "$work/user/pom.xml" -Dmaven.repo.local="$work/m2" exec:exec > readme.log 2>&1 || status=1
# Maven resets colours, also where there are none.
sed -i 's/\x1b\[0m//g' readme.log
readme=1
for line in '^MANIPULATED 0\.' '^76800 [1-9]' '^photos/a.jpg: AUTHENTIC 0\.' '^photos/b.jpg: INVALID, ' '^4 results$' '^goes on at step 0$' '^goes on at step 1$'; do
  grep -qE "$line" readme.log || { echo "README's program did not print $line"; readme=0; }
done
if ((readme)); then passed=$((passed + 1)); else cat readme.log; failed=$((failed + 1)) status=1; fi
echo "java-client: $passed passed, $failed failed, $skipped skipped"
exit $status
