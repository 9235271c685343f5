#!/usr/bin/env bash
# What ffmpeg reads, scaled and thinned out by ffmpeg, judged as raw NV12 from a pipe: ffmpeg-raw.sh SOURCE WIDTHxHEIGHT FPS [OPTIONS of `stream`]
# Options go on to `loupe-grpc-client stream`, e.g. --server URL, --format jsonl, --events URL.
set -euo pipefail
source=$1 size=$2 fps=$3
ffmpeg -nostdin -loglevel error -i "$source" -vf "fps=$fps,scale=${size/x/:}" -pix_fmt nv12 -f rawvideo - |
  "${LOUPE_CLIENT:-loupe-grpc-client}" stream - --raw "nv12:$size@$fps" --temporal on "${@:4}"
