#!/bin/sh
# Holds native/ to .clang-format, and with `--tidy` to .clang-tidy, which takes some minutes (version 14 of either).
# Usage: native/style.sh [--fix] [--tidy] [DIRECTORY]   (default: artifacts/native in the repository, for the build that clang-tidy asks how files are compiled)
set -eu

source=$(cd "$(dirname "$0")" && pwd)
fix= tidy=
while [ $# -gt 0 ]; do
  case $1 in
    --fix) fix=yes ;;
    --tidy) tidy=yes ;;
    --*) echo "usage: native/style.sh [--fix] [--tidy] [DIRECTORY]" >&2; exit 2 ;;
    *) break ;;
  esac
  shift
done
directory=${1:-$source/../artifacts/native}
cd "$source"

files=$(find src include tests bench fuzz -name '*.cc' -o -name '*.h' -o -name '*.c')
if [ -n "$fix" ]; then
  clang-format-14 -i $files
else
  clang-format-14 --dry-run --Werror $files
fi

if [ -n "$tidy" ]; then
  cmake -S . -B "$directory/style" -DCMAKE_BUILD_TYPE=Release -DLOUPE_NATIVE_TESTS=ON -DCMAKE_EXPORT_COMPILE_COMMANDS=ON > /dev/null
  # Highway compiles a kernel once for each set of instructions, from the same lines: one is enough to read them. Some options are g++'s alone.
  sed -n 's/^ *"file": "\(.*\.cc\)"$/\1/p' "$directory/style/compile_commands.json" | sort -u | xargs -P "$(nproc)" -n 1 clang-tidy-14 -p "$directory/style" --quiet ${fix:+--fix} \
    --extra-arg=-DHWY_COMPILE_ONLY_STATIC --extra-arg=-Wno-unknown-warning-option > "$directory/style/tidy.log" 2>&1 || {
    grep -vE '^[0-9]+ warnings? (generated|treated)' "$directory/style/tidy.log" >&2
    exit 1
  }
fi
echo "native style: $(echo "$files" | wc -l) files as clang-format${tidy:+ and clang-tidy} want$([ -n "$tidy" ] || echo s) them"
