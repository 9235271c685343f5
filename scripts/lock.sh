#!/usr/bin/env bash
# Writes the lock files of all projects anew, for both packages of ONNX Runtime (the gpu one is a download of 234 MB). After a change of packages.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
export DOTNET_NOLOGO=1 DOTNET_CLI_TELEMETRY_OPTOUT=1
mine=${LoupeOrt:-cpu}
for variant in cpu gpu "$mine"; do
  LoupeOrt=$variant dotnet restore LoupeGrpc.sln --force-evaluate --verbosity quiet
done
