#!/usr/bin/env bash
# Camera in, event out: camera-to-mqtt.sh NAME CAMERA BROKER [OPTIONS of `stream`], e.g.
#   camera-to-mqtt.sh gate-3 rtsp://user:password@10.0.0.7/live mqtt://user:password@broker
# Findings are at BROKER's topic loupe/NAME, and loupe/NAME/available says whether somebody watches. Whoever may list this machine's processes sees the passwords:
# `--events @FILE` keeps the broker's in a file.
set -euo pipefail
name=$1 camera=$2 broker=$3
exec "${LOUPE_CLIENT:-loupe-grpc-client}" stream "$camera" --session "$name" --delivery freshest --events "$broker/loupe/$name" "${@:4}" > /dev/null
