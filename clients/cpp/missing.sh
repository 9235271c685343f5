#!/usr/bin/env bash
# Says what is not here of what the client is built and tested with; nothing where all of it is. scripts/prerequisites.sh has Debian's packages.
set -euo pipefail
for program in g++ cmake make protoc clang-format-14; do command -v "$program" > /dev/null || echo "$program"; done
for header in grpcpp/grpcpp.h google/protobuf/message.h png.h gtest/gtest.h nlohmann/json.hpp opencv4/opencv2/core/mat.hpp openssl/evp.h; do
  [[ -e /usr/include/$header ]] || echo "$header"
done
