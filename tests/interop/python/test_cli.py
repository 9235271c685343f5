"""The commands from outside: convert, serve, analyze, stream. What they print is held against the reference."""

import json
import pathlib
import subprocess
import tempfile

from support import CLIENT, DATA, ROOT, GoldenTestCase, Server, convert, golden_pictures, write_rounded

TINY_MODELS = ("tiny-l", "tiny-g", "tiny-s")


def client(*arguments):
    return subprocess.run([str(CLIENT), *map(str, arguments)], capture_output=True, text=True, timeout=300)


def lines(completed):
    return [json.loads(line) for line in completed.stdout.splitlines()]


class ConvertAndAnalyze(GoldenTestCase):
    def converted(self, directory, weights, config, name):
        package = pathlib.Path(directory) / name
        done = convert(package, weights, config, name)
        self.assertEqual(done.returncode, 0, done.stderr)
        return package

    def analyze(self, model):
        """Every picture of the reference data, in the order of their names."""
        with Server("--model", model) as server:
            completed = client(
                "analyze", DATA / "e2e", "--server", server.url, "--format", "jsonl", "--mask", "always")
        self.assertIn(completed.returncode, (0, 10), completed.stderr)
        return lines(completed)

    def assert_all_golden(self, answers, reference):
        expected = golden_pictures(reference)
        self.assertEqual([pathlib.Path(a["path"]).name for a in answers], [e["image"] for e in expected])
        for answer, entry in zip(answers, expected):
            self.assertEqual(answer["outcome"], "RESULT")
            self.assert_golden(entry, answer["score"], answer["mask"]["size"], answer["mask"]["counts"])

    def test_each_tiny_model(self):
        for name in TINY_MODELS:
            with self.subTest(name), tempfile.TemporaryDirectory() as directory:
                source = DATA / "tiny" / name
                package = self.converted(directory, [source / "model.safetensors"], source / "config.json", name)
                self.assert_all_golden(self.analyze(package), name)

    def test_checkpoints_as_they_reach_a_user(self):
        checkpoints = DATA / "checkpoints"
        forms = {
            "plain": ["plain.pt"],
            "stages": ["backbone-visual.pt", "stage-cls.safetensors", "stage-seg.safetensors"],
        }
        for name, files in forms.items():
            with self.subTest(name), tempfile.TemporaryDirectory() as directory:
                package = self.converted(
                    directory, [checkpoints / file for file in files], checkpoints / "config-tiny-s.yaml", name)
                self.assert_all_golden(self.analyze(package), "tiny-s")

    def test_half_precision_checkpoints_answer_as_the_rounded_weights_do(self):
        checkpoints, source = DATA / "checkpoints", DATA / "tiny" / "tiny-s"
        forms = {"bf16": "lightning-bf16.pth", "fp16": "shared-storage-strided-fp16.pt"}
        for half, file in forms.items():
            with self.subTest(file), tempfile.TemporaryDirectory() as directory:
                rounded = pathlib.Path(directory) / "rounded.safetensors"
                write_rounded(source / "model.safetensors", rounded, half)
                answers = [
                    self.analyze(self.converted(directory, [weights], config, name))
                    for name, weights, config in (
                        ("stored", checkpoints / file, checkpoints / "config-tiny-s.yaml"),
                        ("rounded", rounded, source / "config.json"))]
                for stored, expected in zip(*answers, strict=True):
                    self.assertEqual(stored["score"], expected["score"], stored["path"])
                    self.assertEqual(stored["mask"], expected["mask"], stored["path"])

    def test_what_must_be_refused_leaves_nothing_behind(self):
        checkpoints = DATA / "checkpoints"
        refused = sorted(checkpoints.glob("refuse-*"))
        self.assertEqual(len(refused), 7)
        for file in refused:
            with self.subTest(file.name), tempfile.TemporaryDirectory() as directory:
                done = convert(pathlib.Path(directory) / "package", [file], checkpoints / "config-tiny-s.yaml", "refused")
                self.assertNotEqual(done.returncode, 0)
                self.assertIn(file.name, done.stderr)
                self.assertNotIn("   at ", done.stderr, "a stack trace is no message")
                self.assertEqual(list(pathlib.Path(directory).iterdir()), [])


class EmbeddedModel(GoldenTestCase):
    @classmethod
    def setUpClass(cls):
        with open(DATA / "nano" / "expected.json", encoding="utf-8") as file:
            cls.expected = json.load(file)
        cls.server = Server()

    @classmethod
    def tearDownClass(cls):
        assert cls.server.stop() == 0

    def test_the_ready_line(self):
        self.assertRegex(
            self.server.ready,
            r"^ready http://127\.0\.0\.1:\d+ operations=http://127\.0\.0\.1:\d+ "
            r"model=loupe-nano@[0-9a-f]{8} provider=CPU precision=fp32$")

    def test_the_samples(self):
        pictures = sorted(self.expected["pictures"], key=lambda entry: entry["image"])
        completed = client(
            "analyze", *(ROOT / "samples" / entry["image"] for entry in pictures),
            "--server", self.server.url, "--format", "jsonl", "--mask", "always")
        self.assertEqual(completed.returncode, 10, completed.stderr)
        self.assertIn("demonstration", completed.stderr)
        for answer, entry in zip(lines(completed), pictures, strict=True):
            self.assert_golden(entry, answer["score"], answer["mask"]["size"], answer["mask"]["counts"])

    def test_the_clip(self):
        completed = client(
            "stream", ROOT / "samples" / "clip.avi", "--server", self.server.url, "--format", "jsonl",
            "--mask", "always", "--delivery", "every")
        self.assertEqual(completed.returncode, 10, completed.stderr)
        answers = lines(completed)
        self.assertEqual([answer["frame_id"] for answer in answers], list(range(len(self.expected["clip"]))))
        for number, (answer, entry) in enumerate(zip(answers, self.expected["clip"], strict=True)):
            self.assertAlmostEqual(answer["time_s"], number / 12, delta=1e-3)
            self.assertAlmostEqual(answer["score"], entry["score"], delta=1e-4, msg=f"frame {number}")
            self.assertLessEqual(abs(answer["mask_area"] - entry["area"]), 1e-4 * 320 * 240, f"frame {number}")
            if not 24 <= number <= 47:
                self.assertNotEqual(answer["verdict"], "MANIPULATED", f"frame {number}")

    def test_info(self):
        completed = client("info", "--server", self.server.url, "--json")
        self.assertEqual(completed.returncode, 0, completed.stderr)
        self.assertIn("loupe-nano", json.dumps(json.loads(completed.stdout)))


class WrongUse(GoldenTestCase):
    def test_exit_codes(self):
        with tempfile.TemporaryDirectory() as empty, Server() as server:
            picture = ROOT / "samples" / "authentic-rocket.png"
            cases = [
                (2, ["analyze"]),
                (2, ["analyze", picture, "--thresholds", "0.9,0.1"]),
                (20, ["analyze", pathlib.Path(empty) / "nowhere.png", "--server", server.url]),
                (20, ["analyze", empty, "--server", server.url]),
                (69, ["analyze", picture, "--server", "http://127.0.0.1:9"]),
                (0, ["analyze", picture, "--server", server.url, "--thresholds", "0.999,1"]),
                (10, ["analyze", picture, "--server", server.url, "--thresholds", "0,0.0001"]),
            ]
            for code, arguments in cases:
                with self.subTest(arguments=arguments):
                    completed = client(*arguments)
                    self.assertEqual(completed.returncode, code, completed.stderr)
                    if code in (2, 69):
                        self.assertNotEqual(completed.stderr, "")
                        self.assertEqual(completed.stdout, "")

    def test_a_missing_picture_among_good_ones_is_one_failed_line(self):
        with Server() as server:
            completed = client(
                "analyze", ROOT / "samples" / "authentic-rocket.png", ROOT / "samples" / "nowhere.png",
                ROOT / "samples" / "forged-second-rocket.png", "--server", server.url, "--format", "jsonl")
        self.assertEqual(completed.returncode, 20)
        answers = lines(completed)
        self.assertEqual([a["outcome"] for a in answers], ["RESULT", "FAILED", "RESULT"])
        self.assertEqual(answers[1]["error"]["code"], "NOT_FOUND")
        self.assertEqual([a["frame_id"] for a in answers], [0, 1, 2])

    def test_mistakes_in_the_settings_are_reported_at_once(self):
        with self.assertRaises(AssertionError) as caught:
            Server("--Loupe:Limits:MaxFrameBytes=-1", "--Loupe:Limits:MaxSide=many")
        self.assertIn("MaxFrameBytes", str(caught.exception))
        self.assertIn("MaxSide", str(caught.exception))
