#!/usr/bin/env bash
# Writes what the two programs are made of, NuGet's packages with versions, hashes and licences, as CycloneDX: FOLDER/server.cdx.json and FOLDER/client.cdx.json.
# Build first: it reads what was restored. What the system brings stands in the system's own list of packages.
# Usage: scripts/sbom.sh FOLDER
set -euo pipefail
folder=${1:?usage: scripts/sbom.sh FOLDER}
mkdir -p "$folder"
folder=$(cd "$folder" && pwd)
cd "$(dirname "${BASH_SOURCE[0]}")/.."
export DOTNET_NOLOGO=1 DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_SYSTEM_GLOBALIZATION_INVARIANT=1
version=$(sed -n 's|.*<Version>\(.*\)</Version>.*|\1|p' Directory.Build.props)
dotnet tool restore --verbosity quiet
# list NAME PROJECT
list() {
  dotnet tool run dotnet-CycloneDX "$2" --output "$folder" --filename "$1.cdx.json" --output-format Json --disable-package-restore \
    --set-name "loupe-grpc-$1" --set-version "$version" --set-nuget-purl > "$folder/log" || { cat "$folder/log" >&2; exit 1; }
  rm "$folder/log"
}
list server src/LoupeGrpc.Server/LoupeGrpc.Server.csproj
list client clients/dotnet/LoupeGrpc.Client.Cli/LoupeGrpc.Client.Cli.csproj
