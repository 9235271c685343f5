"""Plays session.json with every client against one server behind a proxy that breaks connections, then strange.json against a server that lies, and
compares what they print, byte for byte.

`run.sh` starts it. The lines of all clients are the same to the last digit of a score and the last pixel of a mask; without what differs between
processors (`normalised`) they are *.expected.jsonl, which `--update` writes.
"""

from __future__ import annotations

import argparse
import asyncio
import difflib
import itertools
import json
import pathlib
import random
import re
import sys
import tempfile
import time

import grpc.aio
import strange_server
from proxy import CuttingProxy

from loupe_grpc import v1

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
#: Played against a real server, and against one that is none of ours.
SESSION, STRANGE = HERE / "session.json", HERE / "strange.json"
#: Seconds for all steps of one client.
PATIENCE = 600
#: As between two decoders of JPEG.
SCORE_TOLERANCE = 2e-3
#: So that a frame of 3 MB is too large.
SETTINGS = ["--Loupe:Limits:MaxFrameBytes=2MiB"]


def clients(only: list[str]) -> tuple[dict[str, list[str]], list[str]]:
    """Those that are built here, by name; and the names of those that are not."""
    found = {
        "dotnet": [str(ROOT / "tests/LoupeGrpc.Scenario/bin/Release/net10.0/LoupeGrpc.Scenario")],
        "python": [sys.executable, str(HERE / "python/scenario.py")],
        "python-asyncio": [sys.executable, str(HERE / "python/scenario.py"), "--async"],
        "node": ["node", str(ROOT / "clients/node/dist/test/scenario.js")],
        "go": [str(HERE / "go/bin/scenario")],
        "java": [str(HERE / "java/bin/scenario")],
        "cpp": [str(HERE / "cpp/bin/scenario")],
    }
    wanted = {name: found[name] for name in only or found}
    there = {name: command for name, command in wanted.items() if pathlib.Path(command[:2][-1]).exists()}
    return there, [name for name in wanted if name not in there]


def without_own_words(line: str) -> str:
    """What a client says of a connection that was lost is in its own words, and names its proxy's port."""
    return re.sub(r',"message":"[^"]*"', "", line) if '"code":"CONNECTION_LOST"' in line else line


def normalised(line: str, expected: str | None = None) -> str:
    """Without what another processor computes otherwise: borders of masks, hashes of adapted states, a score by `SCORE_TOLERANCE`; and without texts
    for people. A score that is near enough is written as `expected` has it."""
    value = json.loads(line)
    value.pop("message", None)
    if "score" in value:
        score = float(value["score"])
        wanted = float(json.loads(expected).get("score", -1)) if expected else score
        value["score"] = f"{wanted if abs(score - wanted) <= SCORE_TOLERANCE else score:.3f}"
    if "mask" in value and isinstance(value["mask"], dict):
        value["mask"] = {"area_holds": value["mask"]["area_holds"]}
    if "adaptation" in value:
        value["adaptation"].pop("hash")
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


async def take_over(address: str, token: bytes) -> None:
    """Claims the session, as another client would, and ends it."""
    async with grpc.aio.insecure_channel(address) as channel:
        analyze = channel.stream_stream(
            "/loupe.v1.ForgeryAnalysisService/Analyze",
            request_serializer=v1.AnalyzeRequest.SerializeToString,
            response_deserializer=v1.AnalyzeResponse.FromString,
        )
        call = analyze()
        await call.write(v1.AnalyzeRequest(open=v1.OpenSession(resume_token=token)))
        granted = (await call.read()).granted
        assert granted.resumed, granted
        await call.done_writing()
        while await call.read() is not grpc.aio.EOF:
            pass


async def play(name: str, command: list[str], script: pathlib.Path, upstream: str) -> tuple[str, list[str], float]:
    host, port = upstream.rsplit(":", 1)
    proxy = CuttingProxy((host, int(port)), lambda token: take_over(upstream, token))
    await proxy.start()
    started = time.monotonic()
    process = await asyncio.create_subprocess_exec(
        *command, str(script), f"http://{proxy.address}", proxy.control, str(ROOT), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    try:
        output, errors = await asyncio.wait_for(process.communicate(), PATIENCE)
    except asyncio.TimeoutError:
        process.kill()
        output, errors = await process.communicate()
        errors += b"\n(not done in time)"
    finally:
        proxy.close()
    lines = [without_own_words(line) for line in output.decode("utf-8").splitlines()]
    if process.returncode != 0:
        lines.append(json.dumps({"step": "end", "exit": process.returncode}))
        print(errors.decode("utf-8", "replace"), file=sys.stderr)
    return name, lines, time.monotonic() - started


def check(what: str, expected: list[str], actual: list[str]) -> bool:
    if expected == actual:
        return True
    print(f"FAILED: {what}")
    print("\n".join(list(difflib.unified_diff(expected, actual, "expected", "actual", lineterm="", n=2))[:60]))
    return False


async def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--server", default=str(ROOT / "out/loupe-grpc-server"))
    parser.add_argument("--update", action="store_true", help="write *.expected.jsonl from what the first client prints")
    parser.add_argument("--soak", type=int, metavar="SESSIONS", help="so many sessions whose connections break where chance has it, instead")
    parser.add_argument("--seed", type=int, default=1, help="of chance")
    parser.add_argument("clients", nargs="*")
    arguments = parser.parse_args()
    there, missing = clients(arguments.clients)
    for name in missing:
        print(f"skipped: {name} is not built here")
    server = await asyncio.create_subprocess_exec(
        arguments.server, "serve", "--listen", "http://127.0.0.1:0", "--operations", "http://127.0.0.1:0", "--web", "off", *SETTINGS,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert server.stdout and server.stderr
    log = asyncio.create_task(server.stderr.read())
    passed: list[bool] = []
    try:
        ready = (await asyncio.wait_for(server.stdout.readline(), 120)).decode()
        if not ready.startswith("ready "):
            print((await log).decode(), file=sys.stderr)
            raise SystemExit("the server did not start")
        upstream = ready.split()[1].removeprefix("http://")
        if arguments.soak:
            with tempfile.TemporaryDirectory() as folder:
                script = pathlib.Path(folder) / "soak.json"
                script.write_text(json.dumps(soak(arguments.soak, arguments.seed)), encoding="ascii")
                passed += await play_all(script, upstream, there, update=True)
        else:
            passed += await play_all(SESSION, upstream, there, arguments.update)
    finally:
        if server.returncode is None:
            server.terminate()
            await server.wait()
    if arguments.soak:
        print(f"scenario: {sum(passed)} passed, {len(passed) - sum(passed)} failed, {len(missing)} skipped")
        return 0 if all(passed) else 1
    strange, address = await strange_server.start()
    try:
        passed += await play_all(STRANGE, address, there, arguments.update)
    finally:
        await strange.stop(None)
    print(f"scenario: {sum(passed)} passed, {len(passed) - sum(passed)} failed, {len(missing)} skipped")
    return 0 if all(passed) else 1


def soak(sessions: int, seed: int) -> dict[str, list[dict[str, object]]]:
    """A script of cuts where chance has them."""
    chance = random.Random(seed)
    files = ["samples/forged-cat-inpainted.png", "samples/authentic-coffee.jpg", "tests/data/preprocess/rgb-1x1.png"]
    parts: list[dict[str, object]] = []
    for number in range(sessions):
        steps: list[dict[str, object]] = [{"open": {"name": f"soak {number}", "mask": "ALWAYS"}}]
        for _ in range(10):
            count = chance.randint(1, 8)
            for _ in range(count):
                if chance.random() < 0.3:
                    cuts = [
                        "reset",
                        "close",
                        f"after-request {chance.randint(1, 200_000)}",
                        f"after-response {chance.randint(1, 2_000)}",
                        "refuse 150",
                    ]
                    steps.append({"proxy": chance.choice(cuts)})
                steps.append({"send": {"id": str(chance.getrandbits(64)), "file": chance.choice(files)}})
                if chance.random() < 0.2:
                    steps.append({"control": {"kind": "set_thresholds", "low": chance.random() / 2, "high": 0.9}})
            steps.append({"read": count})
        parts.append({"name": f"soak {number}", "steps": [*steps, {"proxy": "calm"}, {"complete": {}}]})
    return {"parts": parts}


async def play_all(script: pathlib.Path, upstream: str, there: dict[str, list[str]], update: bool) -> list[bool]:
    """All clients side by side; what each prints is what the first does, and that is what is expected."""
    played = await asyncio.gather(*(play(name, command, script, upstream) for name, command in there.items()))
    first, lines, _ = played[0]
    expectation = script.with_suffix(".expected.jsonl")
    if update:
        expectation.write_text("".join(normalised(line) + "\n" for line in lines), encoding="ascii")
    expected = expectation.read_text(encoding="ascii").splitlines()
    actual = [normalised(line, wanted) for line, wanted in itertools.zip_longest(lines, expected[: len(lines)])]
    passed = [check(f"{first}: {expectation.name}", expected, actual)]
    for name, other, seconds in played:
        passed.append(check(f"{script.name}: {name} as {first}", lines, other))
        print(f"{script.name}: {name}: {len(other)} lines in {seconds:.1f} s")
    return passed


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
