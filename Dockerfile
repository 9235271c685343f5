# The server and the client. `docker build -t loupe-grpc .`. Inside a container every address is reached by others, so the server wants to know who may come in, and does
# not start without: keys, as in `docker run -p 5005:5005 -v /etc/loupe:/etc/loupe:ro -e Loupe__Security__Keys=/etc/loupe/keys.json loupe-grpc`, where
# `docker run --rm --entrypoint loupe-grpc-server -v /etc/loupe:/etc/loupe loupe-grpc key add --file /etc/loupe/keys.json --name NAME` makes one;
# or, to try it on this machine alone, `docker run --rm -p 127.0.0.1:5005:5005 -p 127.0.0.1:5006:5006 -p 127.0.0.1:5007:5007 loupe-grpc --open`.
# For a GPU: `--build-arg ORT=gpu --build-arg RUNTIME=IMAGE`, an image of your own with the ASP.NET Core 10 runtime, CUDA 13, cuDNN 9 and, for TensorRT,
# TensorRT 10; then `docker run --gpus all`, and a volume at the home's .cache/loupe-grpc so that built engines are kept.
# A model of your own: `-v /models/loupe-l14:/model:ro` and, behind the image's name, `--model /model`.

ARG RUNTIME=mcr.microsoft.com/dotnet/aspnet:10.0

FROM mcr.microsoft.com/dotnet/sdk:10.0 AS build
# `cpu`, or `gpu` for the ONNX Runtime package with CUDA and TensorRT.
ARG ORT=cpu
ENV LoupeOrt=$ORT
WORKDIR /src
COPY . .
RUN ./build.sh

FROM $RUNTIME
# OpenCV links GTK, libdrm and libatomic; native/ links Highway; libheif, where it is there, decodes HEIC and AVIF.
RUN apt-get update \
    && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends libatomic1 libdrm2 libgtk-3-0 libheif1 libhwy1 \
    && rm -rf /var/lib/apt/lists/*
COPY --from=build /src/out /opt/loupe-grpc
ENV PATH="/opt/loupe-grpc:${PATH}" ORT_DISABLE_TELEMETRY=1
# An unprivileged user of the base image; its home holds the converted embedded model.
USER $APP_UID
EXPOSE 5005 5006 5007
ENTRYPOINT ["loupe-grpc-server", "serve", "--listen", "http://0.0.0.0:5005", "--operations", "http://0.0.0.0:5006", "--web", "http://0.0.0.0:5007"]
