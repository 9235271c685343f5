# The server and the client. `docker build -t loupe-grpc .`. Inside a container every address is reached by others, so the server wants to know who may come in, and does
# not start without: keys, as in `docker run -p 5005:5005 -v /etc/loupe:/etc/loupe:ro -e Loupe__Security__Keys=/etc/loupe/keys.json loupe-grpc`, where
# `docker run --rm -v /etc/loupe:/etc/loupe loupe-grpc key add --file /etc/loupe/keys.json --name NAME` makes one;
# or, to try it on this machine alone, `docker run --rm -p 127.0.0.1:5005:5005 -p 127.0.0.1:5006:5006 -p 127.0.0.1:5007:5007 loupe-grpc --open`.
# `docker run --rm -v "$PWD/photos:/in:ro" -v "$PWD/findings:/out" loupe-grpc analyze /in /out` analyses pictures and ends; the folder must be one that its user, 1654, may
# write (or `--user "$(id -u)"`). A server writes nothing, so that `--read-only` may stand there too.
# For a GPU: `--build-arg ORT=gpu --build-arg RUNTIME=IMAGE`, an image of your own with the ASP.NET Core 10 runtime, CUDA 13, cuDNN 9 and, for TensorRT,
# TensorRT 10; then `docker run --gpus all`, and a volume at /var/cache/loupe-grpc so that built engines are kept.
# A model of your own: `-v /models/loupe-l14:/model:ro` and, behind the image's name, `--model /model`.
# docs/operations.md tells more; tests/container builds and runs it.

ARG RUNTIME=mcr.microsoft.com/dotnet/aspnet:10.0

FROM mcr.microsoft.com/dotnet/sdk:10.0 AS build
# `cpu`, or `gpu` for the ONNX Runtime package with CUDA and TensorRT.
ARG ORT=cpu
ENV LoupeOrt=$ORT
WORKDIR /src
COPY . .
RUN ./build.sh --programs && scripts/sbom.sh out/sbom

FROM $RUNTIME
# OpenCV links GTK, libdrm and libatomic; native/ links Highway; libheif, where it is there, decodes HEIC and AVIF.
RUN apt-get update \
    && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends libatomic1 libdrm2 libgtk-3-0 libheif1 libhwy1 \
    && rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/log/apt /var/log/dpkg.log \
    && install -d -o "$APP_UID" /var/cache/loupe-grpc
COPY --from=build /src/out /opt/loupe-grpc
# As settings, so that `health` asks where the server listens. The base image's own address is for programs that choose theirs by it.
ENV PATH="/opt/loupe-grpc:${PATH}" ORT_DISABLE_TELEMETRY=1 ASPNETCORE_HTTP_PORTS= \
    Loupe__Endpoints__Grpc=http://*:5005 Loupe__Endpoints__Operations=http://*:5006 Loupe__Endpoints__Web=http://*:5007 \
    Loupe__Model__CacheDirectory=/var/cache/loupe-grpc
# An unprivileged user of the base image.
USER $APP_UID
# The embedded model, converted, so that no start has to.
RUN ["/opt/loupe-grpc/server/loupe-grpc-server", "compile", "--Loupe:Execution:Providers=CPU"]
EXPOSE 5005 5006 5007
# Without the script beside it, which needs a shell.
HEALTHCHECK --interval=10s --timeout=6s --start-period=60s CMD ["/opt/loupe-grpc/server/loupe-grpc-server", "health"]
# Without a verb it serves.
ENTRYPOINT ["/opt/loupe-grpc/server/loupe-grpc-server"]
# Where the sources are and which they were is known to whoever builds: `--build-arg SOURCE=$(git remote get-url origin) --build-arg REVISION=$(git rev-parse HEAD)`.
ARG VERSION=0.2.0
ARG SOURCE=unknown
ARG REVISION=unknown
LABEL org.opencontainers.image.title="LoupeGrpc" \
      org.opencontainers.image.description="Decides for camera frames and pictures whether they were forged, and where. Clients connect over gRPC." \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.source="$SOURCE" \
      org.opencontainers.image.revision="$REVISION" \
      org.opencontainers.image.licenses="Apache-2.0"
