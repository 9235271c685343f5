"""The server on a real GPU, from outside: which rung serves, that nobody waits for an engine, that answers are the same, that a swap is told."""

import json
import os
import pathlib
import subprocess
import tempfile
import time
import unittest

from support import CLIENT, ROOT, SERVER, Server

PROVIDERS = os.environ["LOUPE_GPU_PROVIDERS"].split()
BUILD_LIMIT = 3600


class GpuTests(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.cache = pathlib.Path(temporary.name)

    def serve(self, *settings):
        return Server(f"--Loupe:Model:CacheDirectory={self.cache}", *(f"--Loupe:Execution:{setting}" for setting in settings))

    def ladder(self, server):
        done = subprocess.run([str(CLIENT), "info", "--server", server.url, "--json"], capture_output=True, text=True, check=True, timeout=60)
        return {rung["provider"]: rung for rung in json.loads(done.stdout)["ladder"]}

    def answers(self, server):
        done = subprocess.run(
            [str(CLIENT), "analyze", str(ROOT / "samples"), "--server", server.url, "--format", "jsonl", "--mask", "always"],
            capture_output=True, text=True, timeout=300)
        self.assertIn(done.returncode, (0, 10), done.stderr)
        return {line["path"]: line for line in map(json.loads, done.stdout.splitlines())}

    def test_each_provider_serves_alone_and_agrees_with_the_cpu(self):
        with self.serve("Providers=CPU") as server:
            expected = self.answers(server)
        for provider in PROVIDERS:
            with self.subTest(provider), self.serve(f"Providers={provider}", "Require=true") as server:
                self.assertIn(f" provider={provider} ", server.ready)
                answers = self.answers(server)
                self.assertEqual(expected.keys(), answers.keys())
                for path, answer in answers.items():
                    self.assertEqual(provider, answer["provider"])
                    self.assertAlmostEqual(expected[path]["score"], answer["score"], delta=5e-3, msg=path)

    @unittest.skipUnless("TensorRT" in PROVIDERS, "TensorRT does not run here")
    def test_nobody_waits_for_an_engine(self):
        with self.serve() as server:
            self.assertNotIn(" provider=TensorRT ", server.ready)
            self.answers(server)
            limit = time.monotonic() + BUILD_LIMIT
            while (state := self.ladder(server)["TensorRT"])["state"] == "PREPARING":
                self.assertLess(time.monotonic(), limit, state)
                self.answers(server)
            self.assertEqual("SERVING", state["state"], state)
            self.assertEqual({"TensorRT"}, {answer["provider"] for answer in self.answers(server).values()})
        # What was built is there the next time.
        done = subprocess.run(
            [str(SERVER), "compile", f"--Loupe:Model:CacheDirectory={self.cache}"], capture_output=True, text=True, timeout=BUILD_LIMIT)
        self.assertEqual(0, done.returncode, done.stderr)
        self.assertIn("there already", done.stdout)
        with self.serve() as server:
            self.assertIn(" provider=TensorRT ", server.ready)


if __name__ == "__main__":
    unittest.main()
