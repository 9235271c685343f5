#!/bin/sh
# Fuzzes native/ by libFuzzer under AddressSanitizer and UndefinedBehaviorSanitizer, each target for a number of seconds.
# Usage: native/fuzz.sh SECONDS [DIRECTORY]   (default: artifacts/native-fuzz in the repository)
set -eu

seconds=${1:?usage: native/fuzz.sh SECONDS [DIRECTORY]}
source=$(cd "$(dirname "$0")" && pwd)
directory=${2:-$source/../artifacts/native-fuzz}

CXX=clang++ "$source/build.sh" "$directory" -DLOUPE_NATIVE_FUZZ=ON -DLOUPE_NATIVE_SANITIZE=ON

failed=0
for target in run_length:RunLength mask_decode:MaskDecode preprocess:Preprocess; do
  name=${target%%:*}
  mkdir -p "$directory/found/$name" "$directory/findings"
  if "$directory/fuzz/fuzz_${target##*:}" -max_total_time="$seconds" -max_len=4096 -timeout=20 -rss_limit_mb=2048 -seed=20250131 -print_final_stats=1 \
    -artifact_prefix="$directory/findings/$name-" "$directory/found/$name" "$source/fuzz/corpus/$name" > "$directory/$name.log" 2>&1; then
    echo "$name: $(grep -oE 'number_of_executed_units: [0-9]+' "$directory/$name.log" | grep -oE '[0-9]+') inputs in $seconds s, no findings"
  else
    failed=1
    cat "$directory/$name.log"
    echo "$name: FINDING, the input is in $directory/findings"
  fi
done
exit $failed
