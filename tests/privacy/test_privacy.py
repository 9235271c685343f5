"""No program of ours sends telemetry: what each does to files and the network, as strace saw it."""

import fcntl
import json
import os
import pathlib
import re
import shlex
import shutil
import socket
import struct
import subprocess
import tempfile
import time
import unittest

from support import CLIENT, ROOT, Server

# The programs themselves, not out/'s launchers: those set the variable, and the programs must not need them.
SERVER = ROOT / "out" / "server" / "loupe-grpc-server"
TESTS = ROOT / "tests"
STAND_IN = TESTS / "LoupeGrpc.UnitTests" / "bin" / "Release" / "net10.0" / "libloupe_standin.so"

# Its first look-up came 3 seconds after the library was loaded, its first file at once.
LONG_ENOUGH = 6


def built(project):
    return TESTS / project / "bin" / "Release" / "net10.0" / project


def raise_loopback():
    """A new network namespace has a loopback device that is down; elsewhere it is up."""
    up, flags = 1, struct.Struct("16sh")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as device:
        name, value = flags.unpack(fcntl.ioctl(device, 0x8913, flags.pack(b"lo", 0)))
        if not value & up:
            fcntl.ioctl(device, 0x8914, flags.pack(name, value | up))


def can_trace():
    if not shutil.which("strace"):
        return False
    return subprocess.run(["strace", "-qq", "-o", os.devnull, "true"], capture_output=True).returncode == 0


@unittest.skipUnless(can_trace(), "strace is not installed, or this machine lets nobody trace")
class PrivacyTestCase(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        raise_loopback()

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.home = self.folder / "home"
        self.home.mkdir()
        self.environment = {name: value for name, value in os.environ.items() if not name.startswith("XDG_")} | {"HOME": str(self.home)}

    def traced(self, *command, options=()):
        trace = self.folder / f"trace-{len(list(self.folder.glob('trace-*')))}"
        return trace, ["strace", *options, "-f", "-q", "-s", "256", "--seccomp-bpf", "-e", "trace=%network,%file", "-o", str(trace), *map(str, command)]

    def run_traced(self, *command):
        """Its standard output."""
        trace, command = self.traced(*command)
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True, timeout=240)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assert_private(trace)
        return done.stdout

    def assert_private(self, trace):
        lines = trace.read_text(encoding="utf-8", errors="replace").splitlines()
        self.assertTrue(any("libonnxruntime.so" in line and "openat(" in line for line in lines), "the library was never opened: this trace shows nothing")

        for line in lines:
            self.assertNotRegex(line, r"DeveloperTools|\.onnxruntime", "a file of telemetry")
            # Every look-up by name begins with one of these, or with the name service's daemon.
            self.assertNotRegex(line, r'"/etc/(resolv\.conf|hosts|nsswitch\.conf|gai\.conf)"|nscd/socket', "a look-up of a name")
            if re.search(r"\b(connect|sendto|sendmsg|sendmmsg)\(", line) and "sa_family=AF_INET" in line:
                addresses = re.findall(r'inet_addr\("([^"]+)"\)|inet_pton\(AF_INET6, "([^"]+)"', line)
                for address in (four or six for four, six in addresses):
                    self.assertRegex(address, r"^(127\.|::1$|::ffff:127\.)", line)

        left = [str(path.relative_to(self.home)) for path in self.home.rglob("*")]
        self.assertFalse([path for path in left if "microsoft" in path.lower() or "onnxruntime" in path.lower()], left)

    def stand_in(self):
        """Settings with which a provider of the tests is tried in a process of its own, has its engines built in another, and then serves."""
        return ["--Loupe:Model:CacheDirectory=" + str(self.folder / "models"), *(f"--Loupe:Execution:{setting}" for setting in (
            "Providers=StandIn,CPU", "Plugins:0:Name=StandIn", f"Plugins:0:Path={STAND_IN}", "Plugins:0:EngineCacheOption=engine_cache_path", "Buckets=1"))]

    def test_serve_and_its_child_processes(self):
        # The process is the server itself, and strace its child: strace does not pass signals on.
        trace, command = self.traced(SERVER, options=["-D"])
        launcher = self.folder / "server"
        launcher.write_text(f'#!/bin/sh\nexec {shlex.join(command)} "$@"\n', encoding="utf-8")
        launcher.chmod(0o755)
        picture = ROOT / "samples" / "authentic-coffee.jpg"
        analyze = [CLIENT, "analyze", picture, "--format", "jsonl", "--mask", "always", "--server"]
        with Server(*self.stand_in(), program=launcher, environment=self.environment) as server:
            deadline = time.monotonic() + 120
            provider = None
            while provider != "StandIn" and time.monotonic() < deadline:
                answer = subprocess.run([*analyze, server.url], env=self.environment, capture_output=True, text=True, timeout=60)
                provider = json.loads(answer.stdout)["provider"]
                time.sleep(1)
            self.assertEqual(provider, "StandIn", server.log())
            time.sleep(LONG_ENOUGH)
            self.assertEqual(server.stop(), 0)

        # strace ends a moment after the server, and has written its last line by then.
        deadline = time.monotonic() + 120
        while not re.search(r"\+\+\+ exited with 0 \+\+\+\n\Z", trace.read_text(encoding="utf-8", errors="replace")):
            self.assertLess(time.monotonic(), deadline, "the trace has no end")
            time.sleep(0.1)

        for verb in ("try-provider", "compile"):
            self.assertRegex(trace.read_text(encoding="utf-8", errors="replace"), rf'execve\("[^"]+loupe-grpc-server", \[[^]]*"{verb}"', "no such child process")
        self.assert_private(trace)

    def test_convert(self):
        embedded = ROOT / "models" / "loupe-nano"
        self.run_traced(SERVER, "convert", "--weights", embedded / "model.safetensors", "--config", embedded / "config.json", "--output", self.folder / "package")

    def test_compile(self):
        self.assertIn("built", self.run_traced(SERVER, "compile", *self.stand_in()))

    def test_probe(self):
        self.run_traced(SERVER, "probe", "--library", f"StandIn={STAND_IN}")

    def test_programs_of_tests(self):
        # These classes give graphs to the library without the engine between, and with it in the server.
        self.run_traced(built("LoupeGrpc.UnitTests"), "-noColor", "-class", "*HalfRoundingTests")
        self.run_traced(built("LoupeGrpc.FunctionalTests"), "-noColor", "-class", "*.ModelCommandTests")

    def test_benchmarks(self):
        self.run_traced(built("LoupeGrpc.Benchmarks"), "adaptation", "--frames", "1")


if __name__ == "__main__":
    unittest.main()
