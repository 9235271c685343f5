#!/usr/bin/env bash
# The Ruby example with stock stubs: the table of masks, and a session with a real server. Needs Debian's ruby-grpc and protobuf-compiler-grpc;
# `./build.sh` first.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
root=$(cd ../.. && pwd)
if ! ruby -e 'require "grpc"' 2> /dev/null || ! command -v protoc grpc_ruby_plugin > /dev/null; then
  echo "skipped: Ruby or its gRPC is not there (Debian: ruby-grpc, protobuf-compiler-grpc)"
  echo "ruby-example: 0 passed, 0 failed, 1 skipped"
  exit 0
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/generated"
protoc -I "$root/protos" -I /usr/include --ruby_out "$work/generated" --plugin=protoc-gen-grpc="$(command -v grpc_ruby_plugin)" --grpc_out "$work/generated" "$root"/protos/loupe/v1/*.proto

passed=0 failed=0
for file in *.rb; do ruby -wc "$file" > /dev/null; done
if ruby -w masks_test.rb "$root" > "$work/masks.log" 2>&1; then passed=$((passed + $(cat "$work/masks.log"))); else cat "$work/masks.log"; failed=1; fi

coproc server { exec "${LOUPE_SERVER:-$root/out/loupe-grpc-server}" serve --listen http://127.0.0.1:0 --operations http://127.0.0.1:0 --web off 2> "$work/server.log"; }
process=$server_PID
trap 'kill "$process" 2> /dev/null; rm -rf "$work"' EXIT
read -r _ address _ <&"${server[0]}" || { cat "$work/server.log"; exit 1; }
echo broken > "$work/broken.jpg"
cp "$root/samples/forged-cat-inpainted.png" "$root/samples/authentic-coffee.jpg" "$work/"
ruby -I "$work/generated" analyze.rb "${address#http://}" "$work"/{forged-cat-inpainted.png,broken.jpg,authentic-coffee.jpg} > "$work/session.log" 2>&1 || true
for line in '/forged-cat-inpainted.png: MANIPULATED 0\.[0-9]{3} [1-9][0-9]* of [1-9][0-9]* pixels$' '/broken.jpg: INVALID, ' '/authentic-coffee.jpg: AUTHENTIC 0\.' '^2 results$'; do
  if grep -qE "$line" "$work/session.log"; then passed=$((passed + 1)); else echo "analyze.rb did not print $line"; failed=$((failed + 1)); fi
done
status=0
ruby -I "$work/generated" analyze.rb 127.0.0.1:9 "$work/authentic-coffee.jpg" > "$work/nobody.log" 2>&1 || status=$?
if ((status == 1)) && grep -q '^127.0.0.1:9: ' "$work/nobody.log"; then passed=$((passed + 1)); else cat "$work/nobody.log"; failed=$((failed + 1)); fi
((failed == 0)) || cat "$work/session.log"
echo "ruby-example: $passed passed, $failed failed, 0 skipped"
((failed == 0))
