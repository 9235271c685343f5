#!/usr/bin/env bash
# Builds everything in Release and leaves out/loupe-grpc-server and out/loupe-grpc-client, which start from any directory. `--programs`: these two alone, no tests.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
server=src/LoupeGrpc.Server client=clients/dotnet/LoupeGrpc.Client.Cli
case "$*" in
  "") projects=(LoupeGrpc.sln) ;;
  --programs) projects=("$server" "$client") ;;
  *) echo "usage: ./build.sh [--programs]" >&2; exit 2 ;;
esac
scripts/prerequisites.sh build

# The SDK needs ICU's libraries unless it is told that nothing here depends on a culture.
export DOTNET_NOLOGO=1 DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_SYSTEM_GLOBALIZATION_INVARIANT=1
. scripts/choose-onnxruntime.sh
for project in "${projects[@]}"; do
  dotnet build "$project" --configuration Release --verbosity quiet
done

# publish PROJECT FOLDER: the program with all it needs under out/FOLDER, and out/PROGRAM that starts it.
publish() {
  local program="loupe-grpc-$2"
  dotnet publish "$1" --configuration Release --no-build --output "out/$2" --verbosity quiet
  install -m 755 build/launch.sh "out/$program"
}

publish "$server" server
publish "$client" client

# OpenCV's library is most of either folder: one file under two names.
opencv=libOpenCvSharpExtern.so
if cmp -s "out/server/$opencv" "out/client/$opencv"; then
  ln -f "out/server/$opencv" "out/client/$opencv"
fi
