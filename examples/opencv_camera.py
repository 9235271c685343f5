"""Frames that OpenCV reads, judged while it reads on: a file, a network stream, or a camera by its number.

    python3 opencv_camera.py 0
    python3 opencv_camera.py rtsp://10.0.0.7/live --server http://127.0.0.1:5005

Needs opencv-python (Debian: python3-opencv) and loupe-grpc (clients/python). Prints a line for each frame.
"""

import argparse
import datetime
import sys

import cv2
import loupe_grpc


def frames(source):
    """Each frame with the time at which it was taken, until the source ends."""
    capture = cv2.VideoCapture(int(source) if source.isdigit() else source)
    if not capture.isOpened():
        raise SystemExit(f"error: OpenCV cannot open {source}")
    begin = datetime.datetime.now(datetime.timezone.utc)
    try:
        while True:
            there, pixels = capture.read()
            if not there:
                return
            # Of a camera OpenCV knows no time; of a recording it is that of the frame just read.
            at = begin + datetime.timedelta(milliseconds=capture.get(cv2.CAP_PROP_POS_MSEC)) if not source.isdigit() else None
            yield loupe_grpc.Frame(pixels, capture_time=at or datetime.datetime.now(datetime.timezone.utc))
    finally:
        capture.release()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", help="a file, rtsp://…, or a camera's number")
    parser.add_argument("--server", default=loupe_grpc.DEFAULT_ADDRESS)
    parser.add_argument("--live", action="store_true", help="leave frames out rather than fall behind")
    options = parser.parse_args()

    mode = loupe_grpc.DeliveryMode.FRESHEST if options.live or options.source.isdigit() else loupe_grpc.DeliveryMode.EVERY_FRAME
    failed = 0
    with loupe_grpc.LoupeClient(options.server) as client:
        # `analyze` reads frames in a thread of its own, and no faster than the server takes them.
        outcomes = client.analyze(
            frames(options.source),
            name="opencv",
            delivery=loupe_grpc.Delivery(mode),
            over_time=loupe_grpc.OverTime(),
        )
        for outcome in outcomes:
            if isinstance(outcome, loupe_grpc.Result):
                over_time = outcome.analysis.over_time.verdict.name if outcome.analysis.over_time else "-"
                print(f"{outcome.frame_id} {outcome.verdict.name} {outcome.score:.4f} over time {over_time}", flush=True)
            elif isinstance(outcome, loupe_grpc.Failed):
                failed += 1
                print(f"{outcome.frame_id} FAILED {outcome.code}, {outcome.message}", flush=True)
            else:
                print(f"{outcome.frame_id} {type(outcome).__name__.upper()}", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
