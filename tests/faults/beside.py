"""What a session notices of crowds that misbehave: times of its frames and the server's memory, before, beside and after each crowd.

A crowd is a process of its own, so that its Python is not the session's. Figures, not a test: on a machine that does something else
they say nothing.
"""

import os
import pathlib
import queue
import subprocess
import sys
import time

import grpc
from loupe_grpc.v1 import frame_pb2, service_pb2, session_pb2
from support import DATA, ROOT, Server

PICTURE = (ROOT / "samples" / "authentic-coffee.jpg").read_bytes()
FRAMES = 400


def analyze(channel):
    return channel.stream_stream(
        "/loupe.v1.ForgeryAnalysisService/Analyze",
        request_serializer=service_pb2.AnalyzeRequest.SerializeToString,
        response_deserializer=service_pb2.AnalyzeResponse.FromString)


def opening(**settings):
    return service_pb2.AnalyzeRequest(open=session_pb2.OpenSession(**settings))


def frame(number):
    return service_pb2.AnalyzeRequest(frame=frame_pb2.Frame(frame_id=number, encoded=frame_pb2.EncodedImage(data=PICTURE)))


class Bystander:
    """A session that sends a frame when the one before was answered."""

    def __init__(self, address):
        self._channel = grpc.insecure_channel(address)
        self._ready = queue.SimpleQueue()
        self._answers = analyze(self._channel)(iter(self._ready.get, None))
        self._ready.put(opening(session_name="bystander"))
        next(self._answers)
        self._number = 0

    def times(self, frames=FRAMES):
        taken = []
        while len(taken) < frames:
            self._number += 1
            began = time.perf_counter()
            self._ready.put(frame(self._number))
            answer = next(self._answers)
            while not answer.HasField("outcome"):
                answer = next(self._answers)
            if not answer.outcome.HasField("result"):
                raise SystemExit(f"the bystander's frame was not analysed: {answer.outcome}")
            taken.append((time.perf_counter() - began) * 1000)
        return sorted(taken)


def resident(pid):
    """Of the server and its decoders, in MiB: proportional, so that shared pages count once."""
    family = [str(pid), *pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    total = 0
    for member in family:
        for line in pathlib.Path(f"/proc/{member}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                total += int(line.split()[1])
    return total >> 10


def deaf(address):
    """100 sessions that ask for 64 snapshots and send 8 frames each, and read nothing after the grant."""
    held = []
    for number in range(100):
        channel = grpc.insecure_channel(address, options=[("grpc.use_local_subchannel_pool", 1)])
        sent = queue.SimpleQueue()
        answers = analyze(channel)(iter(sent.get, None))
        adaptation = session_pb2.OpenSession().adaptation
        adaptation.enabled = True
        sent.put(opening(session_name=f"deaf-{number}", adaptation=adaptation))
        next(answers)
        for control in range(64):
            request = service_pb2.AnalyzeRequest()
            request.control.control_id = control + 1
            request.control.snapshot_adaptation.SetInParent()
            sent.put(request)
        for picture in range(8):
            sent.put(frame(picture + 1))
        held.append((channel, sent, answers))
    return held


CROWDS = {"readers that do not read": deaf}

if len(sys.argv) == 3:
    keep = CROWDS[sys.argv[1]](sys.argv[2])
    print("there", flush=True)
    sys.stdin.read()
    os._exit(0)

print(f"{FRAMES} frames of {len(PICTURE) / 1000:.0f} kB, one at a time; ms\n")
for name in CROWDS:
    with Server() as server:
        bystander = Bystander(server.address)
        bystander.times()

        def show(when):
            taken = bystander.times()
            print(f"{name:28} {when:16} p50 {taken[len(taken) // 2]:6.1f}  p99 {taken[len(taken) * 99 // 100]:6.1f}  most {taken[-1]:6.1f}"
                  f"  {resident(server.pid):5} MiB", flush=True)

        for turn in range(3):
            show("before")
            with subprocess.Popen([sys.executable, __file__, name, server.address], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as crowd:
                show("while it comes")
                crowd.stdout.readline()
                show("beside")
                show("beside")
                crowd.stdin.close()
            show("after")
