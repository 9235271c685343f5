#!/usr/bin/env bash
# Everything about the Go client: generated code, format, vet, and the packed module in an empty environment: its tests with the race detector, and README's
# program. Needs Debian's golang-go, golang-google-grpc-dev, golang-github-golang-protobuf-1-5-dev and protoc with its plugins; `./build.sh` first.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
root=$(cd ../.. && pwd)
cmp LICENSE "$root/LICENSE"
version=$(grep -oE '<Version>[^<]+' "$root/Directory.Build.props" | cut -d'>' -f2)
grep -q "Version = \"$version\"" options.go || { echo "Directory.Build.props has version $version, options.go another"; exit 1; }

if ! [[ -d /usr/share/gocode/src/google.golang.org/grpc ]] || ! command -v go > /dev/null; then
  echo "skipped: Go or its gRPC is not there (Debian: golang-go, golang-google-grpc-dev, golang-github-golang-protobuf-1-5-dev)"
  echo "go-client: 0 passed, 0 failed, 1 skipped"
  exit 0
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# The generators' own versions are in their comments.
mkdir "$work/generated"
./generate.sh "$work/generated"
diff -r -I '^// 	protoc' "$work/generated/loupe" loupe || { echo "loupe/v1 is not what the contract says: run clients/go/generate.sh"; exit 1; }
unformatted=$(gofmt -l . ../scenario/go)
[[ -z $unformatted ]] || { gofmt -d . ../scenario/go; exit 1; }

# The module as it is published, and where its dependencies come from.
mkdir -p "$root/artifacts/packages" "$work/module" "$work/user"
package=$root/artifacts/packages/loupegrpc-go-$version.tar.gz
tar --create --gzip --file "$package" --sort=name --owner=0 --group=0 --numeric-owner go.mod LICENSE README.md ./*.go loupe
tar --extract --file "$package" --directory "$work/module"
/usr/bin/python3 debian-proxy.py . "$work/proxy"
export GO111MODULE=on GOPROXY=file://$work/proxy GOSUMDB=off GOPATH=$work/gopath GOFLAGS="-mod=mod -modcacherw -trimpath"

# An empty environment.
cd "$work/user"
awk '/^```/ { inside = $0 == "```go"; next } inside' "$work/module/README.md" > main.go
go mod init example > /dev/null 2>&1
go mod edit -require "loupegrpc@v$version" -replace "loupegrpc=$work/module"
go mod tidy > "$work/tidy.log" 2>&1 || { cat "$work/tidy.log"; exit 1; }
# Everything is built with it, once.
race=()
if [[ $(go env CGO_ENABLED) == 1 ]] && command -v gcc > /dev/null; then race=(-race); else echo "skipped: the race detector needs cgo and gcc"; fi
go vet "${race[@]}" . loupegrpc loupegrpc/loupe/v1

program=${LOUPE_SERVER:-$root/out/loupe-grpc-server}
"$program" key sign --output "$work/receipts.key" > /dev/null 2>&1
coproc server { exec "$program" serve --listen http://127.0.0.1:0 --operations http://127.0.0.1:0 --web off "--Loupe:Receipts:Key=$work/receipts.key" 2> "$work/server.log"; }
trap 'kill "$server_PID" 2> /dev/null; rm -rf "$work"' EXIT
read -r _ address _ <&"${server[0]}" || { cat "$work/server.log"; exit 1; }
export LOUPE_ADDRESS=$address LOUPE_ROOT=$root
status=0
go test "${race[@]}" -timeout 15m -v loupegrpc > "$work/tests.log" 2>&1 || status=1
passed=$(grep -cE '^--- PASS' "$work/tests.log" || true) failed=$(grep -cE '^--- FAIL' "$work/tests.log" || true)
skipped=$((1 - ${#race[@]} + $(grep -cE '^--- SKIP' "$work/tests.log" || true)))
((status == 0)) || cat "$work/tests.log"

sed -i "s|http://127.0.0.1:5005|$address|" main.go
mkdir photos
cp "$root/samples/forged-cat-in-coffee.jpg" holiday.jpg
cp "$root/samples/authentic-coffee.jpg" photos/a.jpg
echo broken > photos/b.jpg
go build "${race[@]}" -o program . && ./program > readme.log 2>&1 || status=1
readme=1
for line in '^MANIPULATED 0\.' '^76800 [1-9]' '^photos/a.jpg: AUTHENTIC 0\.' '^photos/b.jpg: INVALID, ' '^4 results$' '^goes on at step 0$' '^goes on at step 1$'; do
  grep -qE "$line" readme.log || { echo "README's program did not print $line"; readme=0; }
done
if ((readme)); then passed=$((passed + 1)); else cat readme.log; failed=$((failed + 1)) status=1; fi
echo "go-client: $passed passed, $failed failed, $skipped skipped"
exit $status
