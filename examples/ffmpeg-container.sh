#!/usr/bin/env bash
# What ffmpeg reads, as it is, judged from a pipe with its times: ffmpeg-container.sh SOURCE nut|matroska [OPTIONS of `stream`]
# In NUT the frames go over as raw pixels, in Matroska as they were recorded: nothing is coded again, nothing is lost.
set -euo pipefail
source=$1 container=$2
case $container in
  nut) codec=(-c:v rawvideo -pix_fmt yuv420p) ;;
  matroska) codec=(-c:v copy) ;;
  *) echo "usage: ffmpeg-container.sh SOURCE nut|matroska [OPTIONS]" >&2; exit 2 ;;
esac
ffmpeg -nostdin -loglevel error -i "$source" -map 0:v:0 "${codec[@]}" -f "$container" - |
  "${LOUPE_CLIENT:-loupe-grpc-client}" stream - --temporal on "${@:3}"
