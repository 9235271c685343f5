"""The server built with the gpu package of ONNX Runtime, without an NVIDIA driver, and with one that lies. Nothing may crash it."""

import collections
import json
import os
import pathlib
import re
import subprocess
import tempfile
import unittest

from support import CLIENT, ROOT, Server

SERVER = pathlib.Path(os.environ["LOUPE_GPU_SERVER"])
PROVIDERS = SERVER.parent

# What the libraries in the package are linked with.
CUDA_LIBRARIES = {"libcublasLt.so.13", "libcublas.so.13", "libcurand.so.10", "libcudart.so.13", "libcuda.so.1"}
TENSORRT_LIBRARIES = {"libcublas.so.13", "libcudart.so.13", "libcudnn.so.9", "libnvinfer.so.10", "libnvonnxparser.so.10"}

# Answers of a driver. What it is not asked for by name is missing.
NO_DEVICE = """
int cuInit(unsigned flags) { return 100; }
int cuDriverGetVersion(int* version) { *version = 13000; return 0; }
int cuDeviceGetCount(int* count) { *count = 3; return 0; }
int cuDeviceGet(int* device, int index) { *device = index; return 0; }
int cuDeviceGetName(char* name, int length, int device) { return 0; }
"""
NONSENSE = """
#include <string.h>
int cuInit(unsigned flags) { return 0; }
int cuDriverGetVersion(int* version) { *version = -1; return 0; }
int cuDeviceGetCount(int* count) { *count = 2000000000; return 0; }
int cuDeviceGet(int* device, int index) { *device = -index; return 0; }
int cuDeviceGetName(char* name, int length, int device) { memset(name, 0xff, length); return 0; }
int cuDeviceGetUuid(char* uuid, int device) { memset(uuid, 0xee, 16); return 0; }
"""
CRASH = NO_DEVICE.replace("return 100;", "__builtin_trap(); return 100;")
HANG = "int pause(void);" + NO_DEVICE.replace("return 100;", "for (;;) pause();")


def has_driver():
    cache = subprocess.run(["/sbin/ldconfig", "-p"], capture_output=True, text=True, check=True).stdout
    return pathlib.Path("/dev/nvidiactl").exists() or "libcuda.so.1" in cache


def link(directory, name, source, exports=None):
    """Makes a library of that name. `exports`: a version, as the linker's version scripts write it, that all its symbols get."""
    command = ["gcc", "-w", "-shared", "-fPIC", "-x", "c", "-", "-o", str(directory / name), f"-Wl,-soname,{name}"]
    if exports:
        script = directory / "exports.map"
        script.write_text(f"{exports} {{ global: *; }};\n")
        command.append(f"-Wl,--version-script={script}")
    subprocess.run(command, input=source, text=True, check=True)


def link_everything(directory, answer):
    """A driver that talks nonsense, and all libraries that the package wants: each function it calls does nothing and gives the same answer."""
    symbols = collections.defaultdict(set)
    for provider in ("cuda", "tensorrt"):
        listed = subprocess.run(
            ["nm", "-D", "--undefined-only", str(PROVIDERS / f"libonnxruntime_providers_{provider}.so")],
            capture_output=True, text=True, check=True).stdout
        for name, version in re.findall(r" U (\w+)(?:@(\S+))?$", listed, re.MULTILINE):
            if version in CUDA_LIBRARIES | TENSORRT_LIBRARIES:
                symbols[version].add(name)
            elif not version and re.match(r"cu[A-Z]", name):
                symbols["libcuda.so.1"].add(name)
            elif not version and re.match(r"cudnn|createInfer|createNvOnnx|getInfer|getPlugin|initLibNv", name):
                symbols["libnvinfer.so.10"].add(name)
    for library in CUDA_LIBRARIES | TENSORRT_LIBRARIES:
        source = NONSENSE if library == "libcuda.so.1" else "\n"
        for name in sorted(symbols[library]):
            if f" {name}(" not in source:
                source += f"int {name}() {{ return {answer}; }}\n"
        versioned = library not in ("libcuda.so.1", "libnvinfer.so.10", "libnvonnxparser.so.10")
        link(directory, library, source, library if versioned and symbols[library] else None)


@unittest.skipIf(has_driver(), "this machine has an NVIDIA driver: tests/gpu is for it")
class GpuPackageTests(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.libraries = pathlib.Path(temporary.name) / "lib"
        self.libraries.mkdir()
        # Nobody's answers are remembered here. The settings are the defaults.
        self.environment = {name: value for name, value in os.environ.items() if not name.startswith("Loupe__")}
        self.environment["XDG_CACHE_HOME"] = temporary.name
        self.environment["LD_LIBRARY_PATH"] = str(self.libraries)

    def probe(self, *arguments):
        done = subprocess.run(
            [str(SERVER), "probe", "--json", *arguments], env=self.environment, capture_output=True, text=True, timeout=300)
        self.assertEqual((0, ""), (done.returncode, done.stderr))
        report = json.loads(done.stdout)
        self.assertIn("CUDAExecutionProvider", report["providers"])
        self.assertIn("TensorrtExecutionProvider", report["providers"])
        reports = {provider["provider"]: provider for provider in report["execution"]}
        self.assertTrue(reports["CPU"]["runs"])
        for name in ("CUDA", "TensorRT"):
            self.assertTrue(reports[name]["exists"])
            self.assertFalse(reports[name]["runs"])
            self.assertTrue(reports[name]["reason"])
        return reports["CUDA"], reports["TensorRT"]

    def serves_on_the_cpu(self):
        """Streams the sample clip; the server's log."""
        with Server(program=SERVER, environment=self.environment) as server:
            self.assertIn(" provider=CPU ", server.ready)
            done = subprocess.run(
                [str(CLIENT), "stream", str(ROOT / "samples" / "clip.avi"), "--server", server.url, "--format", "jsonl"],
                capture_output=True, text=True, timeout=300)
            self.assertEqual(10, done.returncode, done.stderr)
            results = [json.loads(line) for line in done.stdout.splitlines()]
            self.assertEqual({("RESULT", "CPU")}, {(result["outcome"], result["provider"]) for result in results})
            log = server.log()
            self.assertEqual(0, server.stop())
        return log

    def test_without_a_driver_the_libraries_that_are_missing_are_named(self):
        cuda, tensorrt = self.probe()

        self.assertEqual(CUDA_LIBRARIES | {"libcudnn.so.9"}, set(cuda["missingLibraries"]))
        self.assertEqual(TENSORRT_LIBRARIES, set(tensorrt["missingLibraries"]))
        for report in (cuda, tensorrt):
            self.assertEqual(("COMPLETED", False, []), (report["outcome"], report["loads"], report["devices"]))
            for library in report["missingLibraries"]:
                self.assertIn(library, report["reason"])

    def test_without_a_driver_it_serves_on_the_cpu_and_says_why(self):
        log = self.serves_on_the_cpu()

        for name, library in (("CUDA", "libcudart.so.13"), ("TensorRT", "libnvinfer.so.10")):
            reasons = [line for line in log.splitlines() if f"{name} does not load" in line]
            self.assertEqual(1, len(reasons), log)
            self.assertIn(library, reasons[0])

    def test_a_driver_without_a_device(self):
        link(self.libraries, "libcuda.so.1", NO_DEVICE)
        cuda, tensorrt = self.probe()

        self.assertEqual(CUDA_LIBRARIES - {"libcuda.so.1"} | {"libcudnn.so.9"}, set(cuda["missingLibraries"]))
        self.assertEqual("13.0", cuda["versions"]["cuda"])
        self.assertEqual([], cuda["devices"] + tensorrt["devices"])

    def test_a_driver_that_talks_nonsense(self):
        link(self.libraries, "libcuda.so.1", NONSENSE)
        for report in self.probe():
            self.assertEqual("COMPLETED", report["outcome"])
            self.assertLessEqual(len(report["devices"]), 64)

    def test_a_driver_that_crashes(self):
        link(self.libraries, "libcuda.so.1", CRASH)
        for report in self.probe():
            self.assertEqual("CRASHED", report["outcome"])
            self.assertIn("SIG", report["reason"])
        self.serves_on_the_cpu()

    def test_a_driver_that_hangs(self):
        link(self.libraries, "libcuda.so.1", HANG)
        for report in self.probe("--Loupe:Execution:ProbeTimeout=3"):
            self.assertEqual("TIMED_OUT", report["outcome"])

    def test_libraries_that_are_all_there_and_do_nothing(self):
        for answer in (0, 100):
            with self.subTest(answer):
                link_everything(self.libraries, answer)
                for report in self.probe():
                    self.assertNotIn("not installed", report["reason"])
        self.serves_on_the_cpu()


if __name__ == "__main__":
    unittest.main()
