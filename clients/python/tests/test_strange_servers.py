"""Servers that lie, lag, close, and that are newer than this client."""

from __future__ import annotations

import asyncio
import threading
import time
from typing import Any, Callable, Iterator

import grpc
import pytest
from conftest import TOKEN, FakeServer, granted, result, summary

import loupe_grpc as lg
from loupe_grpc import v1

Start = Callable[..., FakeServer]
Requests = Iterator[v1.AnalyzeRequest]


def play(server: FakeServer, frames: int = 1, **options: Any) -> tuple[list[lg.Outcome], lg.Session]:
    """Sends so many frames, and reads until the session is over."""
    with lg.LoupeClient(server.address) as client, client.open_session(**options) as session:
        for number in range(frames):
            session.send(b"x", frame_id=number, timeout=60)
        try:
            session.complete(timeout=60)
        except lg.ConnectionLostError:
            pass
        return list(session.results(timeout=60)), session


def unknown(message: Any, number: int = 999) -> Any:
    """The message with a field that this client does not know."""
    return type(message).FromString(message.SerializeToString() + bytes([(number << 3 & 0x7F) | 0x82, number >> 4]) + b"\x01x")


def test_values_and_fields_of_a_newer_server_are_taken_as_unspecified(fake: Start) -> None:
    def script(requests: Requests, _: Any) -> Iterator[v1.AnalyzeResponse]:
        next(requests)
        yield unknown(granted())
        next(requests)
        yield v1.AnalyzeResponse.FromString(b"\xfa\x3e\x01x")  # a kind of message
        yield v1.AnalyzeResponse(event=v1.SessionEvent(kind=77, message="something new"))  # type: ignore[arg-type]
        notes = [v1.Note(code=99, message="new")]  # type: ignore[arg-type]
        yield unknown(result(0, verdict=9, mask_omission=9, mask_agreement=9, notes=notes, mask=v1.Mask(area=1)))
        next(requests)
        yield v1.AnalyzeResponse(outcome=v1.FrameOutcome(sequence=1, dropped=v1.Dropped(reason=9)))  # type: ignore[arg-type]
        next(requests)
        yield v1.AnalyzeResponse(outcome=v1.FrameOutcome(sequence=2, failed=v1.Failed(code=99, message="new")))  # type: ignore[arg-type]
        next(requests)
        yield v1.AnalyzeResponse(outcome=v1.FrameOutcome(sequence=3))
        assert list(requests) == []
        yield summary(frames=4)

    outcomes, session = play(fake(script), 4)
    first, second, third, fourth = outcomes
    assert session.fault is None
    assert isinstance(first, lg.Result) and first.verdict is lg.Verdict.UNSPECIFIED and first.analysis.message.verdict == 9
    assert first.analysis.mask_omission is lg.MaskOmission.UNSPECIFIED and first.analysis.notes == (lg.Note(lg.NoteCode.UNSPECIFIED, "new"),)
    assert isinstance(second, lg.Dropped) and second.reason is lg.DropReason.UNSPECIFIED
    assert isinstance(third, lg.Failed) and (third.code, third.message) == (lg.FailureCode.INTERNAL, "new")
    assert isinstance(fourth, lg.Failed) and fourth.code is lg.FailureCode.INTERNAL
    (event,) = list(session.events())
    assert isinstance(event, lg.ServerEvent) and event.kind is lg.EventKind.UNSPECIFIED and event.text == "something new"


@pytest.mark.parametrize("sequence", [0, 5, 2**64 - 1])
def test_a_second_outcome_and_one_for_no_frame_end_the_session_and_nothing_is_answered_twice(fake: Start, sequence: int) -> None:
    def script(requests: Requests, _: Any) -> Iterator[v1.AnalyzeResponse]:
        next(requests)
        yield granted()
        next(requests), next(requests)
        yield result(0)
        yield result(sequence)
        list(requests)

    outcomes, session = play(fake(script), 2)
    assert [type(outcome) for outcome in outcomes] == [lg.Result, lg.Failed]
    assert isinstance(outcomes[1], lg.Failed) and outcomes[1].code is lg.FailureCode.CONNECTION_LOST
    assert f"it sent an outcome for frame {sequence}, which was not waiting for one" in str(session.fault)


def test_a_reply_that_nobody_waits_for_is_passed_over(fake: Start) -> None:
    def script(requests: Requests, _: Any) -> Iterator[v1.AnalyzeResponse]:
        next(requests)
        yield granted()
        yield v1.AnalyzeResponse(control_reply=v1.ControlReply(control_id=12))
        next(requests)
        yield result(0)
        list(requests)
        yield summary(frames=1)
        yield summary(frames=2)

    outcomes, session = play(fake(script))
    assert isinstance(outcomes[0], lg.Result) and session.fault is None


def test_a_server_that_ends_the_session_early_loses_no_frame(fake: Start) -> None:
    def script(requests: Requests, _: Any) -> Iterator[v1.AnalyzeResponse]:
        next(requests)
        yield granted()
        next(requests), next(requests), next(requests)
        yield result(1)

    outcomes, session = play(fake(script), 3)
    assert [type(outcome) for outcome in outcomes] == [lg.Failed, lg.Result, lg.Failed]
    assert "ended the session before it was completed" in str(session.fault)


def test_a_summary_without_all_outcomes_loses_no_frame(fake: Start) -> None:
    def script(requests: Requests, _: Any) -> Iterator[v1.AnalyzeResponse]:
        next(requests)
        yield granted()
        list(requests)
        yield summary()

    outcomes, session = play(fake(script), 2)
    assert [outcome.code for outcome in outcomes if isinstance(outcome, lg.Failed)] == [lg.FailureCode.CONNECTION_LOST] * 2
    assert session.fault is None


def test_what_the_server_says_when_it_ends_a_session_is_told(fake: Start) -> None:
    def script(requests: Requests, context: grpc.ServicerContext) -> Iterator[v1.AnalyzeResponse]:
        next(requests)
        yield granted(resume_token=TOKEN)
        next(requests)
        context.abort(grpc.StatusCode.ABORTED, "an operator ended it")

    outcomes, session = play(fake(script))
    assert "an operator ended it" in str(session.fault)
    assert isinstance(outcomes[0], lg.Failed) and outcomes[0].code is lg.FailureCode.CONNECTION_LOST


def test_a_server_that_lags_slows_the_sender_down_to_its_credits(fake: Start) -> None:
    go = threading.Event()

    def script(requests: Requests, _: Any) -> Iterator[v1.AnalyzeResponse]:
        next(requests)
        yield granted()
        go.wait(20)
        for sequence, _request in enumerate(requests):
            yield result(sequence)
        yield summary()

    server = fake(script)
    with lg.LoupeClient(server.address) as client, client.open_session() as session:
        # Four credits, and two places before the writer; nothing is read.
        for number in range(4):
            session.send(b"x" * 1000, timeout=60)
        with pytest.raises(TimeoutError):
            session.send(b"x", timeout=0.3)
        go.set()
        outcomes = session.results(timeout=60)
        assert next(outcomes).index == 0
        assert session.send(b"x", timeout=60) == 4  # The frame that was given up was not taken.
        session.complete(timeout=60)
        assert [outcome.index for outcome in outcomes] == [1, 2, 3, 4]


def test_a_server_that_grants_nothing_is_given_up(fake: Start) -> None:
    def other_version(requests: Requests, _: Any) -> Iterator[v1.AnalyzeResponse]:
        next(requests)
        yield summary()

    def none(requests: Requests, _: Any) -> Iterator[v1.AnalyzeResponse]:
        next(requests)
        yield from ()

    for script in (other_version, none):
        with lg.LoupeClient(fake(script).address) as client, pytest.raises(lg.UnavailableError, match="another version"):
            client.open_session(timeout=60)


def test_a_refusal_keeps_its_code(fake: Start) -> None:
    from google.protobuf import any_pb2

    from loupe_grpc._errors import _RpcStatus

    detail = any_pb2.Any()
    detail.Pack(v1.Failed(code=v1.FailureCode.FAILURE_CODE_OVERLOADED, message="no room: Loupe:Limits:MaxSessions"))
    status = _RpcStatus(code=8, message="no room", details=[detail]).SerializeToString()

    def script(requests: Requests, context: grpc.ServicerContext) -> Iterator[v1.AnalyzeResponse]:
        next(requests)
        context.set_trailing_metadata((("grpc-status-details-bin", status),))
        context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, "no room")
        yield granted()

    with lg.LoupeClient(fake(script).address) as client, pytest.raises(lg.RequestError, match="Loupe:Limits:MaxSessions") as refused:
        client.open_session(timeout=60)
    assert refused.value.code is lg.FailureCode.OVERLOADED


def test_a_caller_that_is_not_known_is_told_so(fake: Start) -> None:
    def script(requests: Requests, context: grpc.ServicerContext) -> Iterator[v1.AnalyzeResponse]:
        context.abort(grpc.StatusCode.UNAUTHENTICATED, "a key is missing")
        yield granted()

    with lg.LoupeClient(fake(script).address) as client, pytest.raises(lg.NotAllowedError, match="a key is missing"):
        client.open_session(timeout=60)


def test_nobody_there_is_told_after_the_connect_timeout() -> None:
    started = time.monotonic()
    with pytest.raises(lg.UnavailableError, match="is it running"):
        lg.LoupeClient.connect("http://127.0.0.1:9", connect_timeout=0.5)
    assert time.monotonic() - started < 10


def test_a_session_that_the_server_forgot_is_lost_and_not_begun_anew(fake: Start) -> None:
    def first(requests: Requests, context: grpc.ServicerContext) -> Iterator[v1.AnalyzeResponse]:
        next(requests)
        yield granted(resume_token=TOKEN)
        next(requests)
        context.abort(grpc.StatusCode.UNAVAILABLE, "gone")

    def second(requests: Requests, _: Any) -> Iterator[v1.AnalyzeResponse]:
        assert next(requests).open.resume_token == TOKEN
        yield granted(unavailable=[v1.Unavailable(feature="resume_token", reason="it was restarted")])
        list(requests)

    outcomes, session = play(fake(first, second))
    assert "does not have the session any more: it was restarted" in str(session.fault)
    assert isinstance(outcomes[0], lg.Failed) and outcomes[0].code is lg.FailureCode.CONNECTION_LOST


def test_a_resumed_session_sends_what_the_server_lacks_and_nothing_else(fake: Start) -> None:
    second_call: list[v1.AnalyzeRequest] = []

    def first(requests: Requests, context: grpc.ServicerContext) -> Iterator[v1.AnalyzeResponse]:
        next(requests)
        yield granted(resume_token=TOKEN)
        next(requests), next(requests), next(requests)
        yield result(0)
        context.abort(grpc.StatusCode.UNAVAILABLE, "gone")

    def second(requests: Requests, _: Any) -> Iterator[v1.AnalyzeResponse]:
        second_call.append(next(requests))
        yield granted(resume_token=TOKEN, resumed=True, next_sequence=2)
        yield result(1)
        second_call.append(next(requests))
        yield result(2)
        list(requests)
        yield summary(frames=3)

    outcomes, session = play(fake(first, second), 3)
    assert [type(outcome) for outcome in outcomes] == [lg.Result] * 3 and [outcome.frame_id for outcome in outcomes] == [0, 1, 2]
    assert second_call[0].open.responses_received == 1
    assert second_call[1].frame.frame_id == 2
    assert [type(event) for event in session.events()] == [lg.Disconnected, lg.Resumed]


def test_a_frame_over_which_every_connection_breaks_is_given_up_and_the_rest_goes_on(fake: Start) -> None:
    def first(requests: Requests, context: grpc.ServicerContext) -> Iterator[v1.AnalyzeResponse]:
        next(requests)
        yield granted(resume_token=TOKEN)
        next(requests)
        context.abort(grpc.StatusCode.UNAVAILABLE, "gone")

    def again(requests: Requests, context: grpc.ServicerContext) -> Iterator[v1.AnalyzeResponse]:
        next(requests)
        yield granted(resume_token=TOKEN, resumed=True)
        if next(requests).frame.frame_id == 0:
            context.abort(grpc.StatusCode.UNAVAILABLE, "gone")
        yield result(0)
        list(requests)
        yield summary(frames=1)

    with lg.LoupeClient(fake(first, again).address) as client, client.open_session() as session:
        session.send(b"x", frame_id=0, timeout=60)
        session.send(b"y", frame_id=1, timeout=60)
        session.complete(timeout=60)
        failed, found = list(session.results(timeout=60))
    assert isinstance(failed, lg.Failed) and failed.code is lg.FailureCode.CONNECTION_LOST and "client_max_body_size" in failed.message
    assert isinstance(found, lg.Result) and found.frame_id == 1 and session.fault is None


def test_a_session_that_is_left_answers_its_frames_as_canceled(fake: Start) -> None:
    def script(requests: Requests, _: Any) -> Iterator[v1.AnalyzeResponse]:
        next(requests)
        yield granted()
        list(requests)

    with lg.LoupeClient(fake(script).address) as client:
        session = client.open_session()
        session.send(b"x", timeout=60)
        session.close()
        (outcome,) = list(session.results(timeout=60))
    assert isinstance(outcome, lg.Failed) and outcome.code is lg.FailureCode.CANCELED
    with pytest.raises(lg.ConnectionLostError, match="the session was closed"):
        session.send(b"x", timeout=60)


def test_a_source_that_fails_is_heard_of_after_the_outcomes(fake: Start) -> None:
    def script(requests: Requests, _: Any) -> Iterator[v1.AnalyzeResponse]:
        next(requests)
        yield granted()
        for sequence, _request in enumerate(requests):
            yield result(sequence)
        yield summary()

    def source() -> Iterator[bytes]:
        yield b"x"
        yield b"y"
        raise OSError("the camera is gone")

    outcomes = []
    with lg.LoupeClient(fake(script).address) as client, pytest.raises(OSError, match="the camera is gone"):
        for outcome in client.analyze(source()):
            outcomes.append(outcome)
    assert [type(outcome) for outcome in outcomes] == [lg.Result] * 2

    async def main() -> list[lg.Outcome]:
        found = []
        async with lg.AsyncLoupeClient(fake(script).address) as client:
            with pytest.raises(OSError, match="the camera is gone"):
                async for outcome in client.analyze(source()):
                    found.append(outcome)
        return found

    assert len(asyncio.run(main())) == 2


def test_headers_and_keys_go_along(fake: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    def script(requests: Requests, _: Any) -> Iterator[v1.AnalyzeResponse]:
        next(requests)
        yield granted()
        list(requests)
        yield summary()

    server = fake(script)
    calls = iter("12345")
    options = {"key": "s3cret", "headers": {"X-Tenant": "a"}, "call_headers": lambda: {"traceparent": f"00-{next(calls)}"}}
    with lg.LoupeClient.connect(server.address, **options) as client, client.open_session(name="gate 4/née"):
        pass
    asked, opened = server.metadata
    assert asked["authorization"] == opened["authorization"] == "Bearer s3cret"
    assert asked["x-tenant"] == "a"
    assert (asked["traceparent"], opened["traceparent"]) == ("00-1", "00-2")
    assert opened["loupe-session"] == "gate%204%2Fn%C3%A9e"


def test_the_context_of_opentelemetry_goes_along(fake: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    import sys
    import types

    # Stands in for the package, which Debian does not have.
    package, propagate = types.ModuleType("opentelemetry"), types.ModuleType("opentelemetry.propagate")
    propagate.inject = lambda carrier: carrier.update(traceparent="00-abc")  # type: ignore[attr-defined]
    package.propagate = propagate  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "opentelemetry", package)
    monkeypatch.setitem(sys.modules, "opentelemetry.propagate", propagate)
    server = fake(lambda requests, _: iter(()))
    with lg.LoupeClient(server.address) as client:
        assert client.server_info().server == "fake"
    assert server.metadata[0]["traceparent"] == "00-abc"


def test_both_halves_in_one_process_raise_no_false_alarm(fake: Start, caplog: pytest.LogCaptureFixture) -> None:
    def script(requests: Requests, _: Any) -> Iterator[v1.AnalyzeResponse]:
        next(requests)
        yield granted()
        for sequence, _request in enumerate(requests):
            yield result(sequence)
        yield summary()

    server = fake(script)
    found: list[int] = []

    def threads() -> None:
        with lg.LoupeClient(server.address) as client:
            found.append(len(list(client.analyze([b"x"] * 300))))

    async def loop() -> None:
        async with lg.AsyncLoupeClient(server.address) as client:
            found.append(len([outcome async for outcome in client.analyze([b"x"] * 300)]))

    beside = threading.Thread(target=threads)
    beside.start()
    asyncio.run(loop())
    beside.join(60)
    assert found == [300, 300]
    assert [record.getMessage() for record in caplog.records if record.name == "asyncio" and record.levelname == "ERROR"] == []


def test_a_read_that_is_canceled_as_its_call_ends_well_is_canceled() -> None:
    """The library's own read, over a core that has the end of the call already and its last message not yet."""
    from grpc.aio import _call  # type: ignore[attr-defined]

    from loupe_grpc._session import _read

    class Core:
        async def receive_serialized_message(self) -> bytes:
            await asyncio.Event().wait()
            raise AssertionError("it is never set")

        def done(self) -> bool:
            return True

    class Ended(_call._StreamResponseMixin):  # type: ignore[misc]
        def __init__(self, preparation: asyncio.Task[None]) -> None:
            self._cython_call = Core()
            self._preparation = preparation
            self._response_style = _call._APIStyle.READER_WRITER

        def done(self) -> bool:
            return False

        def cancelled(self) -> bool:
            return False

        def cancel(self) -> bool:
            return False

        async def _raise_for_status(self) -> None:
            pass

    async def run() -> None:
        async def prepare() -> None:
            pass

        reading = asyncio.create_task(_read(Ended(asyncio.create_task(prepare()))))
        await asyncio.sleep(0.01)
        reading.cancel()
        await asyncio.wait([reading])
        assert reading.cancelled()

    asyncio.run(run())
