"""The examples, run as their README says: against a real server, GStreamer's RTSP server as the camera, and mosquitto as the broker."""

import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import unittest

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent
CLIENT = ROOT / "out" / "loupe-grpc-client"
SERVER = ROOT / "out" / "loupe-grpc-server"
RTSP = ROOT / "tests" / "video-servers" / "rtsp_server.py"
FRAMES = 20
PATIENCE = 120


class Program:
    """A program that runs beside the tests; its lines of standard output, as they come. Ended with the test."""

    def __init__(self, test, command, **options):
        self.process = subprocess.Popen([str(part) for part in command], stdout=subprocess.PIPE, text=True, **options)
        self._lines = []
        self._more = threading.Condition()
        self._ended = False
        reading = threading.Thread(target=self._read, daemon=True)
        reading.start()
        test.addClassCleanup(self.stop) if isinstance(test, type) else test.addCleanup(self.stop)

    def wait_for(self, what, holds):
        """The first line of which it holds; fails when the program ends before, or none comes."""
        with self._more:
            seen = 0

            def found():
                nonlocal seen
                while seen < len(self._lines):
                    seen += 1
                    if holds(self._lines[seen - 1]):
                        return True
                return self._ended

            if not self._more.wait_for(found, PATIENCE) or not holds(self._lines[seen - 1] if seen else ""):
                raise AssertionError(f"{what} did not come; there were: {self._lines}")
            return self._lines[seen - 1]

    @property
    def lines(self):
        with self._more:
            return list(self._lines)

    def stop(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.process.stdout.close()

    def _read(self):
        for line in self.process.stdout:
            with self._more:
                self._lines.append(line.rstrip("\n"))
                self._more.notify_all()
        with self._more:
            self._ended = True
            self._more.notify_all()


class ExampleTests(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.folder = pathlib.Path(folder.name)
        cls.clip = cls.folder / "clip.mkv"
        subprocess.run(
            ["ffmpeg", "-v", "error", "-f", "lavfi", "-i", "testsrc2=s=160x120:r=10:d=2", "-c:v", "libx264", "-pix_fmt", "yuv420p", cls.clip],
            check=True,
        )
        server = Program(
            cls, [SERVER, "serve", "--listen", "http://127.0.0.1:0", "--operations", "http://127.0.0.1:0", "--web", "off"], stderr=subprocess.DEVNULL
        )
        cls.server = server.wait_for("the ready line", lambda line: line.startswith("ready ")).split()[1]
        cls.environment = {
            **os.environ,
            "PYTHONPATH": str(ROOT / "clients" / "python" / "src"),
            "LOUPE_CLIENT": str(CLIENT),
            "LOUPE_SERVER": cls.server,
        }

    def run_example(self, name, *arguments):
        """Its lines, after it has ended well: 10 is "something is manipulated"."""
        command = [sys.executable, HERE / name] if name.endswith(".py") else [HERE / name]
        ran = subprocess.run(
            [str(part) for part in [*command, *arguments]], env=self.environment, cwd=self.folder, capture_output=True, text=True, timeout=PATIENCE
        )
        self.assertIn(ran.returncode, (0, 10), ran.stdout + ran.stderr)
        return ran.stdout.splitlines()

    def rows(self, name, *arguments):
        rows = [json.loads(line) for line in self.run_example(name, *arguments, "--format", "jsonl")]
        self.assertEqual({"RESULT"}, {row["outcome"] for row in rows})
        return rows

    def test_opencv_reads_and_every_frame_is_judged(self):
        lines = [line.split() for line in self.run_example("opencv_camera.py", self.clip, "--server", self.server)]

        self.assertEqual([str(number) for number in range(FRAMES)], [line[0] for line in lines])
        self.assertLessEqual({line[1] for line in lines}, {"AUTHENTIC", "UNCERTAIN", "MANIPULATED"})
        # The verdict over time is there from the third frame on.
        self.assertNotIn("-", {line[-1] for line in lines})

    def test_opencv_says_what_it_cannot_open(self):
        ran = subprocess.run(
            [sys.executable, HERE / "opencv_camera.py", self.folder / "nothing.mkv", "--server", self.server],
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
        )

        self.assertEqual(1, ran.returncode)
        self.assertIn("error: OpenCV cannot open", ran.stderr)

    def test_gstreamer_hands_over_the_pixels_that_it_has(self):
        import gi

        gi.require_version("Gst", "1.0")
        from gi.repository import Gst

        # Rows that end on no multiple of four have strides.
        source = "videotestsrc num-buffers=5 pattern=ball ! video/x-raw,width=162,height=120,framerate=10/1"
        lines = [line.split() for line in self.run_example("gstreamer_appsink.py", source, "--server", self.server)]

        # The same pixels without the padding of their rows, through the tool.
        Gst.init(None)
        pipeline = Gst.parse_launch(f"{source} ! videoconvert ! video/x-raw,format=NV12 ! appsink name=sink sync=false")
        sink = pipeline.get_by_name("sink")
        pipeline.set_state(Gst.State.PLAYING)
        raw = self.folder / "frames.nv12"
        with open(raw, "wb") as file:
            while (sample := sink.emit("pull-sample")) is not None:
                there, memory = sample.get_buffer().map(Gst.MapFlags.READ)
                self.assertTrue(there)
                self.assertEqual(164 * 180, len(memory.data))
                file.write(b"".join(bytes(memory.data[row * 164 : row * 164 + 162]) for row in range(180)))
                sample.get_buffer().unmap(memory)
        pipeline.set_state(Gst.State.NULL)
        with open(raw, "rb") as file:
            told = subprocess.run(
                [CLIENT, "stream", "-", "--raw", "nv12:162x120@10", "--format", "jsonl"],
                stdin=file,
                env=self.environment,
                capture_output=True,
                timeout=PATIENCE,
            )

        self.assertEqual([f"{json.loads(line)['score']:.4f}" for line in told.stdout.splitlines()], [line[2] for line in lines])
        self.assertEqual(5, len(lines))

    def test_gstreamer_says_what_its_pipeline_does_not_find(self):
        ran = subprocess.run(
            [sys.executable, HERE / "gstreamer_appsink.py", "filesrc location=nothing.mkv ! matroskademux", "--server", self.server],
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
        )

        self.assertEqual(1, ran.returncode)
        self.assertIn("error: ", ran.stderr)

    def test_ffmpeg_hands_over_raw_frames(self):
        rows = self.rows("ffmpeg-raw.sh", self.clip, "128x96", "5")

        self.assertEqual([number / 5 for number in range(FRAMES // 2)], [row["time_s"] for row in rows])
        self.assertEqual({(128, 96)}, {(row["width"], row["height"]) for row in rows})
        self.assertTrue(all("temporal" in row for row in rows))

    def test_containers_from_a_pipe_have_the_same_frames_as_the_file(self):
        file = subprocess.run([CLIENT, "stream", self.clip, "--format", "jsonl"], env=self.environment, capture_output=True, timeout=PATIENCE)
        expected = [(row["time_s"], row["sha256"], row["score"]) for row in map(json.loads, file.stdout.splitlines())]

        self.assertEqual(FRAMES, len(expected))
        for container in ("nut", "matroska"):
            with self.subTest(container):
                rows = self.rows("ffmpeg-container.sh", self.clip, container)
                self.assertEqual(expected, [(row["time_s"], row["sha256"], row["score"]) for row in rows])

    def test_a_camera_goes_in_and_events_come_out(self):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        passwords = self.folder / "passwords"
        subprocess.run(["mosquitto_passwd", "-b", "-c", passwords, "cam", "s3cret"], check=True, capture_output=True)
        (self.folder / "mosquitto.conf").write_text(f"user root\nlistener {port} 127.0.0.1\nallow_anonymous false\npassword_file {passwords}\n")
        Program(self, ["/usr/sbin/mosquitto", "-c", self.folder / "mosquitto.conf"], stderr=subprocess.DEVNULL)
        camera = Program(self, ["/usr/bin/python3", RTSP, "--user", "viewer:hidden"])
        rtsp = camera.wait_for("the camera's port", lambda line: line.startswith("port ")).split()[1]
        # It tries until the broker is there.
        listener = Program(
            self, ["mosquitto_sub", "-h", "127.0.0.1", "-p", port, "-u", "cam", "-P", "s3cret", "-t", "loupe/#", "-v"], stderr=subprocess.DEVNULL
        )
        log_file = self.enterContext(open(self.folder / "camera.log", "w"))
        example = Program(
            self,
            [
                HERE / "camera-to-mqtt.sh",
                "gate-3",
                f"rtsp://viewer:hidden@127.0.0.1:{rtsp}/cam",
                f"mqtt://cam:s3cret@127.0.0.1:{port}",
                "--thresholds",
                "0,0.01",
            ],
            env=self.environment,
            cwd=self.folder,
            stderr=log_file,
        )

        listener.wait_for("online", lambda line: line == "loupe/gate-3/available online")
        listener.wait_for("a finding", lambda line: '"loupe.v1.finding.started"' in line)
        example.process.send_signal(signal.SIGINT)
        listener.wait_for("offline", lambda line: line == "loupe/gate-3/available offline")
        example.process.wait(PATIENCE)

        events = [json.loads(line.split(" ", 1)[1]) for line in listener.lines if line.startswith("loupe/gate-3 {")]
        log = (self.folder / "camera.log").read_text()
        self.assertEqual(
            ["stream.started", "finding.started", "finding.ended", "stream.ended"], [event["type"].removeprefix("loupe.v1.") for event in events], log
        )
        self.assertTrue(events[1]["data"]["over_time"])
        self.assertEqual("INTERRUPTED", events[3]["data"]["reason"])
        for secret in ("hidden", "s3cret"):
            self.assertNotIn(secret, log + json.dumps(events))


if __name__ == "__main__":
    unittest.main(verbosity=2)
