#!/usr/bin/env bash
# Compiles the stand-in provider. Usage: build.sh ONNX_RUNTIME_HEADERS OUTPUT
set -euo pipefail
mkdir -p "$(dirname "$2")"
${CC:-gcc} -std=c11 -O2 -Wall -Wextra -Werror -fPIC -shared -fvisibility=hidden -Wl,--no-undefined \
  -isystem "$1" "$(dirname "${BASH_SOURCE[0]}")/standin_provider.c" -o "$2" -lm
