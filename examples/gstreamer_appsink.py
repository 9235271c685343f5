"""Frames of any GStreamer pipeline, judged as NV12, as decoders and cameras have them: no conversion on the way.

    python3 gstreamer_appsink.py 'v4l2src ! videoconvert'
    python3 gstreamer_appsink.py 'rtspsrc location=rtsp://10.0.0.7/live ! decodebin' --server http://127.0.0.1:5005

Needs GStreamer with its Python bindings (Debian: python3-gi gir1.2-gst-plugins-base-1.0 gstreamer1.0-plugins-base) and loupe-grpc (clients/python).
"""

import argparse
import sys

import gi
import loupe_grpc

gi.require_version("Gst", "1.0")
gi.require_version("GstApp", "1.0")
gi.require_version("GstVideo", "1.0")
from gi.repository import Gst, GstApp, GstVideo  # noqa: E402, F401  (GstApp gives appsink its methods)

SECOND = 1_000_000_000


def frames(source):
    """Each sample of the pipeline as planes of NV12, until it ends. It is what waits: `max-buffers=1` holds the pipeline until a frame is taken."""
    pipeline = Gst.parse_launch(f"{source} ! videoconvert ! video/x-raw,format=NV12 ! appsink name=sink max-buffers=1 sync=false")
    sink = pipeline.get_by_name("sink")
    pipeline.set_state(Gst.State.PLAYING)
    try:
        while (sample := sink.try_pull_sample(10 * SECOND)) is not None:
            info = GstVideo.VideoInfo.new_from_caps(sample.get_caps())
            buffer = sample.get_buffer()
            there, memory = buffer.map(Gst.MapFlags.READ)
            if not there:
                raise SystemExit("error: a frame's memory cannot be read")
            try:
                # The two planes lie one behind the other, with rows of the stride that GStreamer chose.
                form = loupe_grpc.FrameFormat(loupe_grpc.PixelFormat.NV12, info.width, info.height, strides=list(info.stride[:2]))
                rows = info.stride[0] * info.height + info.stride[1] * ((info.height + 1) // 2)
                yield loupe_grpc.Raw(bytes(memory.data[:rows]), form)
            finally:
                buffer.unmap(memory)
        message = pipeline.get_bus().pop_filtered(Gst.MessageType.ERROR)
        if message is not None:
            raise SystemExit(f"error: {message.parse_error()[0].message}")
        if not sink.is_eos():
            raise SystemExit("error: no frame came for 10 s")
    finally:
        pipeline.set_state(Gst.State.NULL)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", help="a pipeline that ends in raw or decoded video")
    parser.add_argument("--server", default=loupe_grpc.DEFAULT_ADDRESS)
    options = parser.parse_args()

    Gst.init(None)
    failed = 0
    with loupe_grpc.LoupeClient(options.server) as client:
        for outcome in client.analyze(frames(options.source), name="gstreamer", over_time=loupe_grpc.OverTime()):
            if isinstance(outcome, loupe_grpc.Result):
                print(f"{outcome.frame_id} {outcome.verdict.name} {outcome.score:.4f}", flush=True)
            else:
                failed += isinstance(outcome, loupe_grpc.Failed)
                print(f"{outcome.frame_id} {outcome}", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
