#!/usr/bin/env bash
# Installs what is missing on a Debian or Ubuntu machine and says why; asks nothing. Without the rights to, it names the packages and stops.
# Usage: scripts/prerequisites.sh build|test|bench|fuzz|rust|bare-debian|systemd
set -euo pipefail

missing=()
# need PACKAGE WHY TEST…: the package is missing unless the test succeeds.
need() {
  local package=$1 why=$2
  shift 2
  if ! "$@" > /dev/null 2>&1; then
    missing+=("$package")
    echo "missing: $package ($why)" >&2
  fi
}
# Not through a pipe: where grep finds early and goes, ldconfig's broken pipe counts as a failure.
libraries=$(/sbin/ldconfig -p)
# has_gstreamer PLUGIN
has_gstreamer() { ls /usr/lib/*/gstreamer-1.0/libgst"$1".so; }
# has_maven GROUP/ARTIFACT, of Debian's packages for Java
has_maven() { test -d "/usr/share/maven-repo/$1"; }
# has_jni NAME
has_jni() { ls /usr/lib/*/jni/lib"$1".so; }
# has_crate NAME-VERSION, of Debian's packages for Rust
has_crate() { ls -d "/usr/share/cargo/registry/$1".*; }
has_library() { [[ $libraries == *[[:space:]]$1[[:space:]]* ]]; }

if ! command -v dotnet > /dev/null; then
  echo "error: no dotnet on the path. Install the .NET 10 SDK: https://dotnet.microsoft.com/download/dotnet/10.0" >&2
  exit 1
fi

need ca-certificates "NuGet talks HTTPS" test -e /etc/ssl/certs/ca-certificates.crt
need libssl3 ".NET hashes and encrypts with it" has_library libssl.so.3
need g++ "compiles native/" command -v g++
need cmake "builds native/" command -v cmake
need make "builds native/" command -v make
need libhwy-dev "vector instructions for native/" test -e /usr/include/hwy/highway.h
# What out/ links, as the Dockerfile lists it too; tests/bare-debian holds both against `ldd`.
need libgtk-3-0 "OpenCV links it, with pango, cairo, freetype, harfbuzz and X11" has_library libgtk-3.so.0
need libdrm2 "OpenCV links it" has_library libdrm.so.2
need libatomic1 "OpenCV links it" has_library libatomic.so.1

need ffmpeg "loupe-grpc-client reads videos and cameras with it" command -v ffprobe

if [[ ${1:-build} == test ]]; then
  need libheif1 "decodes HEIC and AVIF; the server says so where it is missing" has_library libheif.so.1
  need libgtest-dev "tests of native/" test -e /usr/include/gtest/gtest.h
  need clang-format-14 "style of native/" command -v clang-format-14
  need clang-tidy-14 "style of native/" command -v clang-tidy-14
  need protobuf-compiler "stubs of the interoperability test" command -v protoc
  need protobuf-compiler-grpc "stubs of the interoperability test" command -v grpc_python_plugin
  need libprotobuf-dev "Google's own proto files, for the interoperability test" test -e /usr/include/google/protobuf/duration.proto
  need npm "installs buf, which checks the contract, what lints the OpenAPI document, what deploy/kubernetes is held against, and what clients/node and clients/web are built with" command -v npm
  need chromium "clicks through the page of clients/web" command -v chromium
  need poppler-utils "reads what Chromium prints of reports" command -v pdftoppm
  need fonts-dejavu-core "what the page's letters are drawn with" test -e /usr/share/fonts/truetype/dejavu/DejaVuSans.ttf
  need fonts-noto-cjk "the page's Chinese" test -e /usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc
  need prometheus "promtool checks the alert rules of deploy/" command -v promtool
  need buildah "builds the Dockerfile's image" command -v buildah
  need debootstrap "makes stand-ins for its base images" command -v debootstrap
  need nginx-light "stands before servers, as deploy/nginx has it" command -v nginx
  need redis-server "keeps sessions for more than one server" command -v redis-server
  need mosquitto "the MQTT broker that events are sent to" command -v mosquitto
  need mosquitto-clients "hears what the broker says" command -v mosquitto_sub
  need openssl "makes certificates for the tests" command -v openssl
  need curl "asks over plain HTTP" command -v curl
  need systemd "systemd-analyze checks the unit of deploy/" command -v systemd-analyze
  need strace "watches what programs do to files and the network" command -v strace
  need python3-gi "the RTSP server of the tests" /usr/bin/python3 -I -c 'import gi'
  need gir1.2-gst-rtsp-server-1.0 "the RTSP server of the tests" /usr/bin/python3 -I -c 'import gi; gi.require_version("GstRtspServer", "1.0")'
  need gstreamer1.0-plugins-base "the RTSP server of the tests" has_gstreamer videotestsrc
  need gstreamer1.0-plugins-good "the RTSP server of the tests" has_gstreamer isomp4
  need gstreamer1.0-plugins-bad "the RTSP server of the tests" has_gstreamer videoparsersbad
  need gstreamer1.0-plugins-ugly "the RTSP server of the tests" has_gstreamer x264
  need gir1.2-gst-plugins-base-1.0 "the appsink of examples/" /usr/bin/python3 -I -c 'import gi; gi.require_version("GstApp", "1.0")'
  need python3-grpcio "the stock gRPC client of another language" /usr/bin/python3 -I -c 'import grpc, google.protobuf'
  need python3-numpy "clients/python hands masks over as its arrays" /usr/bin/python3 -I -c 'import numpy'
  need python3-opencv "tests of clients/python take frames from it" /usr/bin/python3 -I -c 'import cv2'
  need python3-pytest "tests of clients/python" /usr/bin/python3 -I -c 'import pytest'
  need python3-build "builds clients/python" /usr/bin/python3 -I -c 'import build'
  need python3-hatchling "builds clients/python" /usr/bin/python3 -I -c 'import hatchling'
  need python3-venv "installs the built clients/python" /usr/bin/python3 -I -c 'import ensurepip'
  need black "format of clients/python" test -x /usr/bin/black
  need flake8 "style of clients/python" test -x /usr/bin/flake8
  need mypy "types of clients/python" test -x /usr/bin/mypy
  need protoc-gen-go-1-5 "generates the contract's Go" command -v protoc-gen-go
  need protoc-gen-go-grpc "generates the contract's Go" command -v protoc-gen-go-grpc
  need golang-go "builds clients/go" command -v go
  need golang-google-grpc-dev "clients/go speaks gRPC with it" test -d /usr/share/gocode/src/google.golang.org/grpc
  # Not the older golang-goprotobuf-dev, which wants the older protoc-gen-go.
  need golang-github-golang-protobuf-1-5-dev "clients/go reads and writes messages with it" test -d /usr/share/gocode/src/github.com/golang/protobuf
  need openjdk-17-jdk-headless "builds clients/java" command -v javac
  need maven "builds clients/java" command -v mvn
  need libmaven-compiler-plugin-java "builds clients/java" has_maven org/apache/maven/plugins/maven-compiler-plugin
  need libmaven-resources-plugin-java "builds clients/java" has_maven org/apache/maven/plugins/maven-resources-plugin
  need libmaven-jar-plugin-java "packs clients/java" has_maven org/apache/maven/plugins/maven-jar-plugin
  need libsurefire-java "tests of clients/java" has_maven org/apache/maven/plugins/maven-surefire-plugin
  need libexec-maven-plugin-java "generates the contract's Java" has_maven org/codehaus/mojo/exec-maven-plugin
  need libbuild-helper-maven-plugin-java "builds the contract's Java" has_maven org/codehaus/mojo/build-helper-maven-plugin
  need protobuf-compiler-grpc-java-plugin "generates the contract's Java" command -v grpc_java_plugin
  need libprotobuf-java "clients/java reads and writes messages with it" has_maven com/google/protobuf/protobuf-java
  need libgrpc-java "clients/java speaks gRPC with it" has_maven io/grpc/grpc-netty
  need libnetty-java "gRPC for Java needs it" has_maven io/netty/netty-codec-http2
  need libperfmark-java "gRPC for Java needs it" has_maven io/perfmark/perfmark-api
  need libanimal-sniffer-java "gRPC for Java needs it" has_maven org/codehaus/mojo/animal-sniffer-annotations
  need libgoogle-common-protos-java "gRPC for Java needs it" has_maven com/google/api/grpc/proto-google-common-protos
  need libnetty-tcnative-java "TLS of Debian's Netty, for tests of clients/java" has_maven io/netty/netty-tcnative
  need libnetty-tcnative-jni "TLS of Debian's Netty, for tests of clients/java" has_jni netty-tcnative
  need libgoogle-gson-java "tests of clients/java read JSON with it" has_maven com/google/code/gson/gson
  need junit5 "tests of clients/java" has_maven org/junit/jupiter/junit-jupiter
  need ruby-grpc "the example of clients/ruby" ruby -e 'require "grpc"'
  need libgrpc++-dev "clients/cpp speaks gRPC with it" test -e /usr/include/grpcpp/grpcpp.h
  need libpng-dev "clients/cpp reads masks with it" test -e /usr/include/png.h
  need libopencv-core-dev "tests of clients/cpp take frames from it" test -e /usr/include/opencv4/opencv2/core/mat.hpp
  need nlohmann-json3-dev "tests of clients/cpp read JSON with it" test -e /usr/include/nlohmann/json.hpp
  need libssl-dev "tests of clients/cpp make certificates with it" test -e /usr/include/openssl/evp.h
fi

if [[ ${1:-build} == bench ]]; then
  need protobuf-compiler "stubs of the Python server that bench.sh measures against" command -v protoc
  need protobuf-compiler-grpc "stubs of that server" command -v grpc_python_plugin
  need libprotobuf-dev "Google's own proto files, for them" test -e /usr/include/google/protobuf/duration.proto
  need python3-grpcio "that server" /usr/bin/python3 -I -c 'import grpc, google.protobuf'
  need python3-numpy "that server" /usr/bin/python3 -I -c 'import numpy'
  need python3-opencv "that server" /usr/bin/python3 -I -c 'import cv2'
  need python3-pil "that server" /usr/bin/python3 -I -c 'import PIL'
  need python3-venv "installs what else that server wants" /usr/bin/python3 -I -c 'import ensurepip'
  need libbenchmark-dev "benchmarks of native/" test -e /usr/include/benchmark/benchmark.h
fi

if [[ ${1:-build} == fuzz ]]; then
  need clang "fuzzes native/ with libFuzzer" command -v clang++
  # libFuzzer and the sanitizers are in a package of their own, named after the version of clang.
  version=$(clang++ --version 2> /dev/null | grep -oE 'version [0-9]+' | grep -oE '[0-9]+' || apt-cache depends clang 2> /dev/null | grep -oE 'clang-[0-9]+' | head -n 1 | grep -oE '[0-9]+' || true)
  need "libclang-rt-${version:-14}-dev" "fuzzes native/ with libFuzzer" sh -c 'ls "$(clang++ --print-resource-dir)"/lib/*/libclang_rt.fuzzer*'
fi

if [[ ${1:-build} == rust ]]; then
  need cargo "builds the example of clients/rust" cargo --version
  need rustfmt "its format" cargo-fmt --version
  need rust-clippy "its style" clippy-driver --version
  need librust-tokio-dev "waits in it" has_crate tokio-1
  need librust-h2-dev "speaks HTTP/2 in it" has_crate h2-0
  need librust-http-dev "HTTP's headers in it" has_crate http-0
  need librust-futures-util-dev "waits in it" has_crate futures-util-0
  need librust-bytes-dev "the bytes of its messages" has_crate bytes-1
  need librust-percent-encoding-dev "reads what servers say" has_crate percent-encoding-2
  need librust-prost-dev "its messages" has_crate prost-0
  need librust-prost-types-dev "Google's own messages in it" has_crate prost-types-0
  need librust-prost-build-dev "generates its messages" has_crate prost-build-0
  need librust-serde-json-dev "its tests read JSON with it" has_crate serde_json-1
  need librust-base64-dev "its tests read masks with it" has_crate base64-0
fi

if [[ ${1:-build} == bare-debian ]]; then
  need debootstrap "makes the roots of tests/bare-debian" command -v debootstrap
fi

if [[ ${1:-build} == systemd ]]; then
  need debootstrap "makes the system of tests/deploy/systemd.sh" command -v debootstrap
  need systemd-container "boots it" command -v systemd-nspawn
fi

if [[ ${#missing[@]} == 0 ]]; then
  exit 0
fi

as_root=()
if [[ $EUID != 0 ]]; then
  as_root=(sudo -n)
fi
if ! command -v apt-get > /dev/null || ! "${as_root[@]}" true 2> /dev/null; then
  echo "error: cannot install packages here. Install them and run this again: apt-get install ${missing[*]}" >&2
  exit 1
fi

echo "installing: ${missing[*]}" >&2
# `env` carries the setting through sudo.
"${as_root[@]}" apt-get update -qq
# Another installation on this machine may take a moment.
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -o DPkg::Lock::Timeout=300 -y -qq --no-install-recommends "${missing[@]}" > /dev/null
