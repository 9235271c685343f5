"""A server that lies, lags, closes, and is newer than its clients: what it does to a session is the session's name."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import grpc
import grpc.aio

from loupe_grpc import v1

Requests = AsyncIterator[v1.AnalyzeRequest]
Answers = AsyncIterator[v1.AnalyzeResponse]


def granted(**fields: Any) -> v1.AnalyzeResponse:
    grant = v1.SessionGrant(
        session_id="strange",
        limits=v1.Limits(credits=4),
        model=v1.ModelInfo(name="strange"),
        thresholds=v1.Thresholds(low=0.25, high=0.75),
        delivery=v1.DeliveryPolicy(mode=v1.DeliveryMode.DELIVERY_MODE_EVERY_FRAME),
        mask=v1.MaskSettings(policy=v1.MaskPolicy.MASK_POLICY_NEVER, encoding=v1.MaskEncoding.MASK_ENCODING_RLE),
        **fields,
    )
    return v1.AnalyzeResponse(granted=grant)


def outcome(sequence: int, **fields: Any) -> v1.AnalyzeResponse:
    kind = fields or {"result": v1.FrameResult(score=0.5, verdict=v1.Verdict.VERDICT_UNCERTAIN)}
    return v1.AnalyzeResponse(outcome=v1.FrameOutcome(sequence=sequence, **kind))


def with_unknown_field(message: Any) -> Any:
    """As a newer server's, with a field 15 that no message here has."""
    return type(message).FromString(message.SerializeToString() + b"\x7a\x01x")


async def rest(requests: Requests) -> None:
    async for _ in requests:
        pass


async def newer(requests: Requests, _: Any) -> Answers:
    yield with_unknown_field(granted(unavailable=[v1.Unavailable(feature="something.new", reason="not here")]))
    await anext(requests)
    yield v1.AnalyzeResponse.FromString(b"\x7a\x01x")  # a kind of message
    yield v1.AnalyzeResponse(event=v1.SessionEvent(kind=77, message="something new"))  # type: ignore[arg-type]
    fields: dict[str, Any] = {"verdict": 9, "mask_omission": 9, "mask_agreement": 9, "orientation": 99, "notes": [{"code": 99, "message": "new"}]}
    yield with_unknown_field(outcome(0, result=v1.FrameResult(score=0.5, **fields)))
    await anext(requests)
    yield outcome(1, dropped=v1.Dropped(reason=9))  # type: ignore[arg-type]
    await anext(requests)
    yield outcome(2, failed=v1.Failed(code=99, message="something new"))  # type: ignore[arg-type]
    await anext(requests)
    yield v1.AnalyzeResponse(outcome=v1.FrameOutcome.FromString(b"\x10\x03\x7a\x01x"))  # a kind of outcome
    await rest(requests)
    yield with_unknown_field(v1.AnalyzeResponse(summary=v1.SessionSummary(frames=4, results=1, dropped=1, failed=2)))


async def duplicate(requests: Requests, _: Any) -> Answers:
    yield granted()
    await anext(requests), await anext(requests)
    yield outcome(0)
    yield outcome(0)
    await rest(requests)


async def stranger(requests: Requests, _: Any) -> Answers:
    yield granted()
    await anext(requests)
    yield outcome(2**64 - 1)
    await rest(requests)


async def unasked(requests: Requests, _: Any) -> Answers:
    yield granted()
    yield v1.AnalyzeResponse(control_reply=v1.ControlReply(control_id=12))
    await anext(requests)
    yield outcome(0)
    await rest(requests)
    yield v1.AnalyzeResponse(summary=v1.SessionSummary(frames=1, results=1))


async def early(requests: Requests, _: Any) -> Answers:
    yield granted()
    await anext(requests), await anext(requests), await anext(requests)
    yield outcome(1)


async def aborts(requests: Requests, context: grpc.aio.ServicerContext) -> Answers:
    yield granted(resume_token=b"t" * 32)
    await anext(requests)
    await context.abort(grpc.StatusCode.ABORTED, "an operator ended it")


async def forgets(requests: Requests, context: grpc.aio.ServicerContext) -> Answers:
    yield granted(resume_token=b"t" * 32)
    await anext(requests)
    await context.abort(grpc.StatusCode.UNAVAILABLE, "gone")


async def lags(requests: Requests, _: Any) -> Answers:
    await asyncio.sleep(0.5)
    yield granted()
    await asyncio.sleep(0.5)
    sequence = 0
    async for _request in requests:
        await asyncio.sleep(0.1)
        yield outcome(sequence)
        sequence += 1
    await asyncio.sleep(0.5)
    yield v1.AnalyzeResponse(summary=v1.SessionSummary(frames=sequence, results=sequence))


async def other_version(requests: Requests, _: Any) -> Answers:
    yield v1.AnalyzeResponse(summary=v1.SessionSummary())
    await rest(requests)


async def refuses(requests: Requests, context: grpc.aio.ServicerContext) -> Answers:
    await context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, "no room")
    yield granted()


_BEHAVIOURS = {
    behaviour.__name__: behaviour for behaviour in (newer, duplicate, stranger, unasked, early, aborts, forgets, lags, other_version, refuses)
}


async def _analyze(requests: Requests, context: grpc.aio.ServicerContext) -> Answers:
    opening = (await anext(requests)).open
    if opening.resume_token:
        yield granted(unavailable=[v1.Unavailable(feature="resume_token", reason="it was restarted")])
        await rest(requests)
        return
    async for answer in _BEHAVIOURS[opening.session_name](requests, context):
        yield answer


async def start() -> tuple[grpc.aio.Server, str]:
    """The server, and its HOST:PORT."""
    server = grpc.aio.server()
    analyze = grpc.stream_stream_rpc_method_handler(_analyze, v1.AnalyzeRequest.FromString, v1.AnalyzeResponse.SerializeToString)
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("loupe.v1.ForgeryAnalysisService", {"Analyze": analyze}),))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    return server, f"127.0.0.1:{port}"
