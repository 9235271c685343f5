#!/usr/bin/env bash
# From a checkout to verdicts: installs what is missing, builds, starts the server on the embedded model, analyses the sample pictures and the
# sample clip, says where the overlays are, and stops the server.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

./build.sh

results=out/demo
rm -rf "$results"
mkdir -p "$results"
exec 3< <(exec out/loupe-grpc-server serve --listen http://127.0.0.1:0 --operations http://127.0.0.1:0 --web off 2> "$results/server.log")
server=$!
trap 'kill "$server" 2> /dev/null || true' EXIT
if ! read -r ready <&3; then
  echo "error: the server did not start:" >&2
  cat "$results/server.log" >&2
  exit 1
fi
echo "$ready"
url=$(cut -d ' ' -f 2 <<< "$ready")

# 10 says that something was manipulated, which is what we came for.
client() {
  out/loupe-grpc-client "$@" --server "$url" --save-overlays --output "$results" || [[ $? == 10 ]]
}

echo
echo "The sample pictures; their names say the truth:"
client analyze --files-from samples/pictures.txt --format csv > "$results/pictures.csv"
awk -F, 'NR == 1 { next }
  NR == 2 { printf "  %-40s %-10s %-12s %s\n", "picture", "truth", "verdict", "score" }
  {
    name = $1; sub(/.*\//, "", name)
    truth = name ~ /^forged/ ? "forged" : "authentic"
    printf "  %-40s %-10s %-12s %.3f\n", name, truth, $6, $5
  }' "$results/pictures.csv"

echo
echo "The sample clip; frames 24 to 47 are forged:"
client stream samples/clip.avi --format csv > "$results/clip.csv"
awk -F, 'NR == 1 { next }
  { truth = $2 >= 24 && $2 <= 47 ? "forged" : "authentic"; frames[truth]++; verdicts[truth, $6]++ }
  END {
    printf "  %-10s %7s %12s %10s %10s\n", "truth", "frames", "MANIPULATED", "UNCERTAIN", "AUTHENTIC"
    for (i = split("authentic forged", truths, " "); i > 0; i--) {
      t = truths[i]
      printf "  %-10s %7d %12d %10d %10d\n", t, frames[t], verdicts[t, "MANIPULATED"], verdicts[t, "UNCERTAIN"], verdicts[t, "AUTHENTIC"]
    }
  }' "$results/clip.csv"

kill "$server"
# Whoever holds the pipe's other end is the server: the read ends when it has stopped.
cat <&3 > /dev/null
trap - EXIT

echo
echo "Overlays: $PWD/$results/overlays"
echo "Look yourself: start out/loupe-grpc-server and open http://127.0.0.1:5007"
echo "Numbers:  $PWD/$results/pictures.csv, clip.csv; the server's log is beside them"
