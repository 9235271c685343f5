#!/usr/bin/env bash
# Builds everything in Release and leaves out/loupe-grpc-server and out/loupe-grpc-client, which start from any directory.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
scripts/prerequisites.sh build

# The SDK needs ICU's libraries unless it is told that nothing here depends on a culture.
export DOTNET_NOLOGO=1 DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_SYSTEM_GLOBALIZATION_INVARIANT=1
. scripts/choose-onnxruntime.sh
dotnet build LoupeGrpc.sln --configuration Release --verbosity quiet

# publish PROJECT FOLDER: the program with all it needs under out/FOLDER, and out/PROGRAM that starts it.
publish() {
  local program="loupe-grpc-$2"
  dotnet publish "$1" --configuration Release --no-build --output "out/$2" --verbosity quiet
  install -m 755 build/launch.sh "out/$program"
}

publish src/LoupeGrpc.Server server
publish clients/dotnet/LoupeGrpc.Client.Cli client

# OpenCV's library is most of either folder: one file under two names.
opencv=libOpenCvSharpExtern.so
if cmp -s "out/server/$opencv" "out/client/$opencv"; then
  ln -f "out/server/$opencv" "out/client/$opencv"
fi
