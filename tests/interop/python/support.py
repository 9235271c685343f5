"""What the interoperability tests share: running servers, reference answers, masks. Standard library only."""

import array
import json
import pathlib
import struct
import subprocess
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[3]
DATA = ROOT / "tests" / "data"
SERVER = ROOT / "out" / "loupe-grpc-server"
CLIENT = ROOT / "out" / "loupe-grpc-client"


def convert(output, weights, config, name):
    """Runs `loupe-grpc-server convert`; the completed process, whatever its exit code."""
    command = [SERVER, "convert", "--config", config, "--output", output, "--name", name]
    for file in weights:
        command += ["--weights", file]
    return subprocess.run([str(part) for part in command], capture_output=True, text=True, timeout=300)


def write_rounded(source, target, half):
    """Copies a safetensors file of fp32 tensors, its values rounded as if they had been stored in bf16 or fp16."""
    data = bytearray(source.read_bytes())
    start = 8 + struct.unpack_from("<Q", data)[0]
    if half == "bf16":
        bits = array.array("I", bytes(data[start:]))
        rounded = array.array("I", ((b + 0x7FFF + (b >> 16 & 1)) & 0xFFFF0000 for b in bits))
    else:
        count = (len(data) - start) // 4
        values = struct.unpack_from(f"<{count}f", data, start)
        rounded = array.array("f", struct.unpack(f"<{count}e", struct.pack(f"<{count}e", *values)))
    data[start:] = rounded.tobytes()
    target.write_bytes(data)


class Server:
    """A server of its own on free ports, from its ready line to its exit code."""

    def __init__(self, *arguments, program=SERVER, environment=None, web="off"):
        self._log = tempfile.TemporaryFile(mode="w+")
        self._process = subprocess.Popen(
            [str(program), "serve", "--listen", "http://127.0.0.1:0", "--operations", "http://127.0.0.1:0", "--web", web,
             *map(str, arguments)],
            stdout=subprocess.PIPE, stderr=self._log, text=True, env=environment)
        self.ready = self._process.stdout.readline().strip()
        if not self.ready.startswith("ready "):
            self._process.wait(timeout=30)
            log = self.log()
            self._close()
            raise AssertionError(f"no ready line but {self.ready!r}\n{log}")
        self.url = self.ready.split()[1]
        self.address = self.url.removeprefix("http://")

    def log(self):
        self._log.seek(0)
        return self._log.read()

    @property
    def pid(self):
        return self._process.pid

    def terminate(self):
        """Tells it to stop, and does not wait."""
        self._process.terminate()

    def kill(self):
        """SIGKILL."""
        self._process.kill()
        self._process.wait(timeout=30)

    def stop(self):
        """Stops the server as an operator would; its exit code."""
        self._process.terminate()
        try:
            return self._process.wait(timeout=30)
        finally:
            self._process.kill()
            self._close()

    def _close(self):
        self._process.stdout.close()
        self._log.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


def run_lengths(counts):
    """Run lengths of COCO's compressed counts."""
    runs, position = [], 0
    while position < len(counts):
        value, shift, more = 0, 0, True
        while more:
            symbol = ord(counts[position]) - 48
            value |= (symbol & 0x1F) << (5 * shift)
            more = bool(symbol & 0x20)
            position += 1
            shift += 1
            if not more and symbol & 0x10:
                value |= -1 << (5 * shift)
        if len(runs) > 2:
            value += runs[-2]
        runs.append(value)
    return runs


def mask_bits(counts):
    """A mask as one big integer, a bit a pixel: fast to intersect without any library."""
    bits, position, forged = 0, 0, False
    for run in run_lengths(counts):
        if forged and run:
            bits |= ((1 << run) - 1) << position
        position += run
        forged = not forged
    return bits


def masks_agree(ours, reference, pixels, iou):
    """Two empty masks agree; otherwise by IoU, or by no more than one pixel in 10,000 that differs."""
    a, b = mask_bits(ours), mask_bits(reference)
    union = (a | b).bit_count()
    if union == 0:
        return True
    return (a & b).bit_count() / union >= iou or (a ^ b).bit_count() <= pixels * 1e-4


class GoldenTestCase(unittest.TestCase):
    """Compares answers with the reference: `expected` is an entry of an expected.json."""

    def assert_golden(self, expected, score, size, counts, score_tolerance=1e-4, iou=0.999):
        jpeg = expected["image"].endswith(".jpg")
        self.assertAlmostEqual(
            score, expected["score"], delta=2e-3 if jpeg else score_tolerance, msg=expected["image"])
        self.assertEqual(list(size), [expected["height"], expected["width"]], expected["image"])
        self.assertTrue(
            masks_agree(counts, expected["counts"], expected["height"] * expected["width"], 0.99 if jpeg else iou),
            f"the mask of {expected['image']} differs")


def golden_pictures(model):
    """The reference answers of one tiny model, in the order of the pictures' names."""
    with open(DATA / "e2e" / "expected.json", encoding="utf-8") as file:
        return sorted((entry for entry in json.load(file) if entry["model"] == model), key=lambda entry: entry["image"])
