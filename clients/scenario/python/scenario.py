"""The scenario, played by the Python client: `scenario.py SCRIPT ADDRESS CONTROL ROOT` with its threads, `--async` in front with asyncio."""

from __future__ import annotations

import asyncio
import hashlib
import inspect
import itertools
import json
import pathlib
import socket
import sys
import time
from typing import Any

import loupe_grpc as lg
from loupe_grpc import v1

#: Seconds for one step.
PATIENCE = 180.0


def name(value: Any) -> str:
    return str(value.value) if isinstance(value, lg.FailureCode) else value.name


def of_thresholds(low: float, high: float) -> list[str]:
    return [f"{low:.4f}", f"{high:.4f}"]


def of_state(state: v1.AdaptationState) -> dict[str, Any]:
    return {"step": state.step, "hash": state.hash.hex(), "frozen": state.frozen}


def with_state(line: dict[str, Any], message: Any) -> dict[str, Any]:
    if message.HasField("adaptation"):
        line["adaptation"] = of_state(message.adaptation)
    return line


def of_grant(grant: v1.SessionGrant) -> dict[str, Any]:
    line = {
        "step": "open",
        "model": grant.model.name,
        "demonstration": grant.model.demonstration,
        "thresholds": of_thresholds(grant.thresholds.low, grant.thresholds.high),
        "mask": [lg.MaskPolicy(grant.mask.policy).name, lg.MaskEncoding(grant.mask.encoding).name],
        "delivery": lg.DeliveryMode(grant.delivery.mode).name,
        "credits": grant.limits.credits,
        "unavailable": [part.feature for part in grant.unavailable],
    }
    return with_state(line, grant)


def of_analysis(line: dict[str, Any], analysis: lg.Analysis) -> dict[str, Any]:
    line |= {
        "score": f"{analysis.score:.6f}",
        "verdict": analysis.verdict.name,
        "used": of_thresholds(*analysis.thresholds),
        "size": [analysis.width, analysis.height],
        "sha256": analysis.sha256,
        "notes": [note.code.name for note in analysis.notes],
        "orientation": analysis.orientation,
        "agreement": analysis.mask_agreement.name,
    }
    if analysis.mask is None:
        line["omission"] = analysis.mask_omission.name
    else:
        bitmap = analysis.mask.bitmap()
        assert analysis.mask.rle == lg.RleMask.encode(bitmap), "a mask that was decoded and encoded is another"
        area = int(bitmap.sum())
        line["mask"] = {
            "area": area,
            "area_holds": area == analysis.mask.area,
            "box": list(analysis.mask.box),
            "pixels": hashlib.sha256(bitmap.tobytes()).hexdigest(),
        }
    return with_state(line, analysis.message)


def of_outcome(outcome: lg.Outcome) -> dict[str, Any]:
    line = {
        "step": "outcome",
        "frame_id": str(outcome.frame_id),
        "index": outcome.index,
        "sequence": outcome.sequence,
        "outcome": type(outcome).__name__.upper(),
    }
    if isinstance(outcome, lg.Result):
        return of_analysis(line, outcome.analysis)
    if isinstance(outcome, lg.Dropped):
        line["reason"] = outcome.reason.name
    elif isinstance(outcome, lg.Failed):
        line |= {"code": name(outcome.code), "message": outcome.message}
    return line


def of_reply(kind: str, reply: v1.ControlReply) -> dict[str, Any]:
    line = {"step": "control", "control": kind, "thresholds": of_thresholds(reply.thresholds.low, reply.thresholds.high)}
    if reply.snapshot:
        line["snapshot"] = len(reply.snapshot)
    return with_state(line, reply)


def of_summary(summary: v1.SessionSummary) -> dict[str, Any]:
    line = {"step": "summary"} | {field: getattr(summary, field) for field in ("frames", "results", "dropped", "expired", "failed")}
    line["reasons"] = {reason.reason: reason.count for reason in summary.reasons}
    line["verdicts"] = {lg.Verdict(verdict.verdict).name: verdict.count for verdict in summary.verdicts}
    line["timeline"] = [[run.first_sequence, run.last_sequence] for run in summary.timeline]
    return with_state(line, summary)


class Player:
    """Plays the script step by step, with either half of the client."""

    def __init__(self, client: lg.LoupeClient | lg.AsyncLoupeClient, control: str, root: pathlib.Path) -> None:
        self.client: Any = client
        self.control = control
        self.root = root
        self.session: Any = None
        self.results: Any = None
        self.events: Any = None
        self.snapshot = b""

    async def play(self, part: dict[str, Any]) -> None:
        self.print({"step": "part", "name": part["name"]})
        for step in part["steps"]:
            ((kind, wish),) = step.items()
            try:
                await asyncio.wait_for(getattr(self, f"step_{kind}")(wish), PATIENCE)
            except RuntimeError as error:
                if "being completed" not in str(error):
                    raise
                self.print({"step": kind, "error": "COMPLETED"})
            except lg.RequestError as error:
                self.print({"step": kind, "error": name(error.code)})
            except lg.ConnectionLostError:
                self.print({"step": kind, "error": "CONNECTION_LOST"})
            except lg.UnavailableError:
                self.print({"step": kind, "error": "UNAVAILABLE"})

    async def done(self, value: Any) -> Any:
        return await value if inspect.isawaitable(value) else value

    async def next(self, iterator: Any) -> Any:
        """None at the end."""
        return await anext(iterator, None) if hasattr(iterator, "__anext__") else next(iterator, None)

    async def step_open(self, wish: dict[str, Any]) -> None:
        await self.step_close({})
        delivery = wish.get("delivery")
        options = lg.SessionOptions(
            name=wish.get("name", ""),
            frame_format=self.format(wish["format"]) if "format" in wish else None,
            delivery=delivery and lg.Delivery(lg.DeliveryMode[delivery["mode"]], delivery["staleness_us"] / 1e6),
            masks=self.masks(wish),
            thresholds=lg.Thresholds(**wish["thresholds"]) if "thresholds" in wish else None,
            adaptation=lg.Adaptation(**wish["adaptation"]) if "adaptation" in wish else None,
            adaptation_snapshot=self.snapshot if wish.get("snapshot") else b"",
            deterministic=wish.get("deterministic", False),
        )
        self.session = await self.done(self.client.open_session(options))
        self.results, self.events = self.session.results(), self.session.events()
        self.print(of_grant(self.session.grant))

    async def step_analyze(self, wish: dict[str, Any]) -> None:
        thresholds = lg.Thresholds(**wish["thresholds"]) if "thresholds" in wish else None
        analysis = await self.done(self.client.analyze_image(self.image(wish), thresholds=thresholds, masks=self.masks(wish)))
        info = await self.done(self.client.server_info())
        self.print(of_analysis({"step": "analyze", "model": info.model.name}, analysis))

    async def step_send(self, wish: dict[str, Any]) -> None:
        deadline = wish["deadline_us"] / 1e6 if "deadline_us" in wish else None
        await self.done(self.session.send(self.image(wish), frame_id=int(wish["id"]), deadline=deadline))

    async def step_read(self, count: int) -> None:
        for left in range(count, 0, -1):
            outcome = await self.next(self.results)
            if outcome is None:
                raise AssertionError(f"the session ended with {left} outcomes to come: {self.session.fault}")
            self.print(of_outcome(outcome))

    async def step_control(self, wish: dict[str, Any]) -> None:
        arguments = dict(wish)
        kind = arguments.pop("kind")
        if kind == "set_thresholds":
            call = self.session.set_thresholds(lg.Thresholds(**arguments))
        elif kind == "set_mask":
            call = self.session.set_masks(self.masks(arguments))
        elif kind == "set_adaptation":
            call = self.session.set_adaptation(lg.Adaptation(**arguments))
        elif kind == "rollback_adaptation":
            call = self.session.rollback_adaptation(arguments.get("to_step"))
        else:
            call = getattr(self.session, kind)()
        reply = await self.done(call)
        self.snapshot = reply.snapshot or self.snapshot
        self.print(of_reply(kind, reply))

    async def step_proxy(self, command: str) -> None:
        # Beside the session, which may be told meanwhile.
        await asyncio.to_thread(self.send, command)

    async def step_takeover(self, _: Any) -> None:
        await self.step_proxy(f"takeover {self.session.grant.resume_token.hex()}")

    def send(self, command: str) -> None:
        host, port = self.control.rsplit(":", 1)
        with socket.create_connection((host, int(port))) as connection, connection.makefile("rw", encoding="ascii") as lines:
            lines.write(command + "\n")
            lines.flush()
            answer = lines.readline().strip()
        assert answer == "ok", f"the proxy answered {command} with {answer}"

    async def step_resumed(self, _: Any) -> None:
        while not isinstance(event := await self.next(self.events), lg.Resumed):
            if event is None:
                break
        self.print({"step": "resumed", "lost": self.session.fault is not None})

    async def step_fault(self, _: Any) -> None:
        while (outcome := await self.next(self.results)) is not None:
            self.print(of_outcome(outcome))
        self.print({"step": "fault", "lost": isinstance(self.session.fault, lg.ConnectionLostError)})

    async def step_complete(self, _: Any) -> None:
        self.print(of_summary(await self.done(self.session.complete())))

    async def step_close(self, _: Any) -> None:
        if self.session is not None:
            await self.done(self.session.close())
            self.session = None

    def image(self, wish: dict[str, Any]) -> Any:
        if "raw" in wish:
            raw = wish["raw"]
            data = bytes((i * 31 + i // 97 * 17) & 255 for i in range(raw["bytes"]))
            return lg.Raw(data, self.format(raw) if "format" in raw else None)
        if "text" in wish:
            return wish["text"].encode()
        if "zeros" in wish:
            return bytes(wish["zeros"])
        path = self.root / wish["file"]
        return path.read_bytes()[: wish["first"]] if "first" in wish else path

    @staticmethod
    def format(wish: dict[str, Any]) -> lg.FrameFormat:
        return lg.FrameFormat(lg.PixelFormat[wish["format"]], wish["width"], wish["height"], wish.get("strides", ()))

    @staticmethod
    def masks(wish: dict[str, Any]) -> lg.Masks | None:
        return lg.Masks(lg.MaskPolicy[wish["mask"]]) if "mask" in wish else None

    @staticmethod
    def print(line: dict[str, Any]) -> None:
        print(json.dumps(line, sort_keys=True, separators=(",", ":"), ensure_ascii=False), flush=True)


def speed(address: str, kind: str, count: int, asynchronous: bool) -> dict[str, float]:
    """Frames a second of one stream, and the client's own processor time for each. `nv12`: raw pixels of 1920x1080; else a picture file."""
    nv12 = lg.FrameFormat(lg.PixelFormat.NV12, 1920, 1080)
    image: Any = lg.Raw(bytes(1920 * 1080 * 3 // 2), nv12) if kind == "nv12" else pathlib.Path(kind).read_bytes()
    options = lg.SessionOptions(masks=lg.Masks(lg.MaskPolicy.NEVER))

    def threads(frames: int) -> None:
        results = [isinstance(outcome, lg.Result) for outcome in client.analyze(itertools.repeat(image, frames), options)]
        assert results == [True] * frames

    async def loop(frames: int) -> tuple[float, float]:
        async with lg.AsyncLoupeClient(address) as one:
            started = time.monotonic(), time.process_time()
            results = [isinstance(outcome, lg.Result) async for outcome in one.analyze(itertools.repeat(image, frames), options)]
            assert results == [True] * frames
            return time.monotonic() - started[0], time.process_time() - started[1]

    if asynchronous:
        asyncio.run(loop(10))
        seconds, cpu = asyncio.run(loop(count))
    else:
        with lg.LoupeClient.connect(address) as client:
            threads(10)
            started = time.monotonic(), time.process_time()
            threads(count)
            seconds, cpu = time.monotonic() - started[0], time.process_time() - started[1]
    return {"frames_per_second": round(count / seconds, 1), "cpu_ms_per_frame": round(cpu * 1000 / count, 2)}


async def main(arguments: list[str]) -> None:
    asynchronous = arguments[0] == "--async"
    script, address, control, root = arguments[1:] if asynchronous else arguments
    kind: Any = lg.AsyncLoupeClient if asynchronous else lg.LoupeClient
    client = kind(address, client_name="scenario")
    player = Player(client, control, pathlib.Path(root))
    for part in json.loads(pathlib.Path(script).read_text(encoding="utf-8"))["parts"]:
        await player.play(part)
    await player.step_close({})
    await player.done(client.close())


if __name__ == "__main__":
    if "--speed" in sys.argv:
        address, kind, count = sys.argv[-3:]
        Player.print(speed(address, kind, int(count), "--async" in sys.argv))
        sys.exit()
    asyncio.run(main(sys.argv[1:]))
