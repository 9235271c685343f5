"""One session: frames in, one outcome for each out, over as many connections as it takes."""

from __future__ import annotations

import asyncio
import collections
import logging
import os
import urllib.parse
from typing import Any, AsyncIterator, Union

import grpc
import grpc.aio

from loupe_grpc import _frames, v1
from loupe_grpc._channel import Channel, Outage
from loupe_grpc._errors import (
    LARGE_MESSAGES,
    LONG_CALLS,
    ConnectionLostError,
    FailureCode,
    LoupeError,
    RequestError,
    UnavailableError,
    is_transport,
    to_code,
    to_session_fault,
)
from loupe_grpc._frames import Frame, Image
from loupe_grpc._ledger import Credits, Entry, Ledger
from loupe_grpc._options import Adaptation, Masks, SessionOptions, Thresholds, from_duration, to_duration
from loupe_grpc._outcomes import Disconnected, EventKind, Outcome, Resumed, ServerEvent

log = logging.getLogger("loupe_grpc")

SessionEvent = Union[ServerEvent, Disconnected, Resumed]

#: As many connections in a row break over the same frame until it is given up. Pauses between them grow: this takes some seconds.
_MAX_BREAKS_OVER_ONE_FRAME = 5
#: Seconds, for servers that do not say how long they keep a session.
_DEFAULT_WINDOW = 30.0
_DEFAULT_CREDITS = 64
#: Seconds that a session in which nothing is in flight may take to say goodbye.
_GOODBYE = 1.0
#: Frames handed over and not yet written: one on its way and one behind it.
_WAITING_TO_BE_WRITTEN = 2


class _Connection:
    """One `Analyze` call that was granted."""

    def __init__(self, call: Any, grant: v1.SessionGrant) -> None:
        self.call = call
        self.grant = grant

    @classmethod
    async def open(cls, channel: Channel, opening: v1.OpenSession) -> _Connection:
        # Header values are ASCII; balancers only hash them.
        headers = {"loupe-session": urllib.parse.quote(opening.session_name, safe="")} if opening.session_name else {}
        call = channel.analyze(headers)
        try:
            try:
                await call.write(v1.AnalyzeRequest(open=opening).SerializeToString())
            except (grpc.aio.AioRpcError, asyncio.InvalidStateError):
                pass  # The response says why.
            first = await call.read()
            if first is grpc.aio.EOF or first.WhichOneof("payload") != "granted":
                raise UnavailableError(
                    f"the server at {channel.options.shown_address} did not grant the session: it speaks another version of loupe.v1"
                )
            return cls(call, first.granted)
        except BaseException:
            call.cancel()
            raise


async def _read(call: Any) -> Any:
    """The next response, or the end of the call. grpc.aio, where a read is canceled in the very moment in which its call ended well, passes over
    the cancellation and then stumbles over the response that it does not have (seen in 1.51).
    """
    try:
        return await call.read()
    except UnboundLocalError:
        raise asyncio.CancelledError from None


class AsyncSession:
    """Open it with :meth:`AsyncLoupeClient.open_session`. Sending, controlling and reading are independent of each other.

    When the connection breaks the session goes on with another one. Where that cannot be, every frame in flight gets
    ``FailureCode.CONNECTION_LOST``, :meth:`results` ends after them, and :meth:`send` and :meth:`complete` raise.
    """

    def __init__(self, channel: Channel, connection: _Connection, opening: v1.OpenSession, options: SessionOptions) -> None:
        self._channel = channel
        self._opening = opening
        self._connection = connection
        self._fault: LoupeError | None = None
        #: What the server granted at the opening: limits, model, what runs it, and what of the request is not available.
        self.grant = connection.grant
        credits = self.grant.limits.credits or _DEFAULT_CREDITS
        self._credits = Credits(min(credits, options.max_frames_in_flight), self._ended_error)
        self._room = Credits(_WAITING_TO_BE_WRITTEN, self._ended_error)
        self._resumable = options.reconnect and bool(self.grant.resume_token)
        self._ready = asyncio.Event()
        self._ledger = Ledger(not options.unordered, self._ready.set)
        self._outbox: collections.deque[Entry] = collections.deque()
        self._wake = asyncio.Event()
        self._answered = asyncio.Event()
        self._answered.set()
        self._controls: dict[int, asyncio.Future[v1.ControlReply]] = {}
        self._last_control = 0
        self._events: collections.deque[SessionEvent] = collections.deque(maxlen=256)
        self._event = asyncio.Event()
        loop = asyncio.get_running_loop()
        self._summary: asyncio.Future[v1.SessionSummary] = loop.create_future()
        self._ended = asyncio.Event()
        self._outage: Outage | None = None
        self._received = 0
        self._reached: tuple[int, int, int] | None = None
        self._times_reached = 0
        self._completing = self._half_close = self._disposing = False
        self._running = loop.create_task(self._run())

    @classmethod
    async def open(cls, channel: Channel, options: SessionOptions) -> AsyncSession:
        opening = options.to_message(channel.options)
        connection = await channel.connect(lambda: _Connection.open(channel, opening))
        log.info("session %s opened", connection.grant.session_id, extra={"loupe_session": options.name})
        return cls(channel, connection, opening, options)

    async def __aenter__(self) -> AsyncSession:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    @property
    def fault(self) -> LoupeError | None:
        """Why the session ended before it was completed. None while it runs and after a regular end."""
        return self._fault

    async def send(self, frame: Image | Frame, *, frame_id: int | None = None, capture_time: Any = None, deadline: float | None = None) -> int:
        """Sends a frame once there is room: at most the granted credits of frames are without an outcome taken from :meth:`results`, so read
        those beside. Its index. From then on it has exactly one outcome; when this raises or is canceled, it has none.

        OSError where a file cannot be read; ConnectionLostError when the session is over.
        """
        if not isinstance(frame, Frame):
            frame = Frame(frame, frame_id, capture_time, deadline)
        self._raise_if_completing()
        if isinstance(frame.image, (str, os.PathLike)):
            picture = await asyncio.to_thread(_frames.read, frame.image)
        else:
            picture = _frames.read(frame.image)
        await self._credits.acquire()
        try:
            await self._room.acquire()
        except BaseException:
            self._credits.release()
            raise
        # From here on nothing waits: the frame enters whole or not at all.
        try:
            self._raise_if_completing()
            if self._ended.is_set():
                raise self._ended_error()
            index = self._ledger.next_index
            number = index if frame.frame_id is None else frame.frame_id
            limit = self.grant.limits.max_frame_bytes
            if 0 < limit < len(picture.data):
                self._ledger.enter_failed(number, FailureCode.TOO_LARGE, _too_large(len(picture.data), limit))
                self._room.release()
                return index
            message = v1.Frame(frame_id=number, **_frames.to_message(picture))
            if frame.capture_time is not None:
                message.capture_time.FromNanoseconds(int(frame.capture_time.timestamp() * 1_000_000) * 1000)
            if frame.deadline is not None:
                message.deadline.CopyFrom(to_duration(frame.deadline))
            data = v1.AnalyzeRequest(frame=message).SerializeToString()
        except BaseException:
            self._room.release()
            self._credits.release()
            raise
        self._hand_over(self._ledger.enter_frame(number, data))
        return index

    async def results(self) -> AsyncIterator[Outcome]:
        """The outcomes, in the order of sending unless the session is unordered. Ends after the last one when the session was completed, broke or
        was closed; never raises for those. One reader at a time; a later one goes on where an earlier one stopped.
        """
        while True:
            batch = await self._take(1)
            if not batch:
                return
            self._credits.release()
            yield batch[0]

    def __aiter__(self) -> AsyncIterator[Outcome]:
        return self.results()

    async def events(self) -> AsyncIterator[SessionEvent]:
        """What happened to the session by itself, on the server and on the way to it. Ends with the session. Nobody has to read it: the 256
        latest are kept."""
        while True:
            while self._events:
                yield self._events.popleft()
            if self._ended.is_set():
                return
            self._event.clear()
            await self._event.wait()

    async def complete(self) -> v1.SessionSummary:
        """Says that no more frames come and waits for the server's account. Outcomes can still be read afterwards.

        ConnectionLostError: the session broke before the summary came.
        """
        self._completing = True
        if not self._summary.done():
            # A server that has answered a half-closed call forgets the session: what a connection that breaks then loses cannot be asked for again.
            if self._resumable:
                await self._answered.wait()
            self._half_close = True
            self._wake.set()
        return await asyncio.shield(self._summary)

    async def close(self) -> None:
        """Ends the session at once when it was not completed: frames in flight get CANCELED. One that can be resumed and has frames in flight is
        left to the server, which keeps it for its resume window; one without is completed.
        """
        if self._resumable and self._ledger.idle and not self._running.done():
            try:
                await asyncio.wait_for(self.complete(), _GOODBYE)
            except (LoupeError, asyncio.TimeoutError):
                pass
        self._disposing = True
        self._connection.call.cancel()
        self._running.cancel()
        await asyncio.wait([self._running])
        # Also where the loop was cut off before its own end.
        self._end(None)

    async def set_thresholds(self, thresholds: Thresholds) -> v1.ControlReply:
        """New thresholds from the next frame on. The reply says which hold."""
        return await self._control(set_thresholds=thresholds.to_message())

    async def set_masks(self, masks: Masks) -> v1.ControlReply:
        """New mask settings from the next frame on."""
        return await self._control(set_mask=masks.to_message())

    async def flush(self) -> v1.ControlReply:
        """Waits until every frame sent before it has its outcome. RequestError where the server did not carry a control out."""
        return await self._control(flush=v1.Flush())

    async def set_adaptation(self, adaptation: Adaptation) -> v1.ControlReply:
        """Starts adapting, or changes how, from the next frame on; parameters stay as they are."""
        return await self._control(set_adaptation=v1.SetAdaptation(settings=adaptation.to_message()))

    async def freeze_adaptation(self) -> v1.ControlReply:
        """Stops adapting; the parameters stay."""
        return await self._control(freeze_adaptation=v1.FreezeAdaptation())

    async def resume_adaptation(self) -> v1.ControlReply:
        """Goes on adapting after a freeze."""
        return await self._control(resume_adaptation=v1.ResumeAdaptation())

    async def reset_adaptation(self) -> v1.ControlReply:
        """Back to the base parameters, step 0."""
        return await self._control(reset_adaptation=v1.ResetAdaptation())

    async def rollback_adaptation(self, step: int | None = None) -> v1.ControlReply:
        """Back to the state after `step` optimiser steps, or to the last snapshot."""
        target = v1.RollbackAdaptation(last_snapshot=True) if step is None else v1.RollbackAdaptation(step=step)
        return await self._control(rollback_adaptation=target)

    async def snapshot_adaptation(self) -> v1.ControlReply:
        """The state that the frames sent before leave: `snapshot` of the reply, for `SessionOptions.adaptation_snapshot`."""
        return await self._control(snapshot_adaptation=v1.SnapshotAdaptation())

    async def _control(self, **action: Any) -> v1.ControlReply:
        self._raise_if_completing()
        if self._ended.is_set():
            raise self._ended_error()
        self._last_control += 1
        control = v1.Control(control_id=self._last_control, **action)
        waiting: asyncio.Future[v1.ControlReply] = asyncio.get_running_loop().create_future()
        self._controls[control.control_id] = waiting
        self._hand_over(self._ledger.enter_control(control.control_id, v1.AnalyzeRequest(control=control).SerializeToString()))
        reply = await waiting
        if reply.HasField("failed"):
            raise RequestError(to_code(reply.failed.code), reply.failed.message)
        return reply

    def _hand_over(self, entry: Entry) -> None:
        self._answered.clear()
        self._outbox.append(entry)
        self._wake.set()

    async def _take(self, most: int) -> list[Outcome]:
        """Outcomes that are ready; none when there will be no more. Who takes one releases its credit."""
        while not self._ledger.ready:
            if self._ledger.closed:
                return []
            self._ready.clear()
            await self._ready.wait()
        return [self._ledger.ready.popleft() for _ in range(min(most, len(self._ledger.ready)))]

    async def _run(self) -> None:
        connection = self._connection
        try:
            while True:
                received = self._received
                fault, transport = await self._serve(connection)
                if self._received > received:
                    self._outage = None
                if not transport or not self._resumable or self._summary.done() or self._disposing:
                    break
                try:
                    connection = await self._resume(fault)
                except LoupeError as error:
                    fault = ConnectionLostError(f"{fault}, and the session could not be resumed: {error}")
                    break
        except asyncio.CancelledError:
            if not self._disposing:
                self._end(ConnectionLostError("the event loop of the session was stopped"))
            raise
        except Exception as error:
            log.exception("a fault of the client ended the session")
            self._end(ConnectionLostError(f"a fault of the client ended the session: {error!r}"))
            raise
        # A server that drains ends completed sessions with UNAVAILABLE too; nothing is missing then.
        completed = self._completing and self._summary.done()
        self._end(None if completed and not self._disposing else fault)

    async def _serve(self, connection: _Connection) -> tuple[LoupeError, bool]:
        """Writes and reads until the call is over: why, and whether only the way to the server broke."""
        writing = asyncio.get_running_loop().create_task(self._write(connection))
        address = self._channel.options.shown_address
        try:
            while True:
                response = await _read(connection.call)
                if response is grpc.aio.EOF:
                    return (ConnectionLostError(f"the server at {address} ended the session before it was completed"), False)
                if fault := self._take_in(response):
                    return fault, False
        except grpc.aio.AioRpcError as error:
            return to_session_fault(error, address), is_transport(error)
        finally:
            writing.cancel()
            await asyncio.wait([writing])
            connection.call.cancel()

    async def _write(self, connection: _Connection) -> None:
        """A broken transport is not the writer's business: the reader sees it too, and decides what becomes of the message."""
        half_closed = False
        try:
            while True:
                while self._outbox:
                    entry = self._outbox.popleft()
                    if entry.data is not None:
                        await connection.call.write(entry.data)
                    self._written(entry)
                if self._half_close and not half_closed:
                    half_closed = True
                    await connection.call.done_writing()
                self._wake.clear()
                await self._wake.wait()
        except (grpc.aio.AioRpcError, asyncio.InvalidStateError):
            pass

    def _written(self, entry: Entry) -> None:
        if not self._resumable:
            entry.data = None
        if entry.waiting:
            entry.waiting = False
            self._room.release()

    def _take_in(self, response: v1.AnalyzeResponse) -> LoupeError | None:
        """Why the session cannot go on; None: it can."""
        kind = response.WhichOneof("payload")
        if kind == "outcome":
            self._received += 1
            entry = self._ledger.settle(response.outcome)
            if entry is None:
                return ConnectionLostError(
                    f"the server at {self._channel.options.shown_address} broke the protocol: "
                    f"it sent an outcome for frame {response.outcome.sequence}, which was not waiting for one"
                )
            self._answer(entry)
        elif kind == "control_reply":
            self._received += 1
            reply = response.control_reply
            self._ledger.settle_control(reply.control_id)
            self._answer(None)
            waiting = self._controls.pop(reply.control_id, None)
            if waiting and not waiting.done():
                waiting.set_result(reply)
        elif kind == "event":
            event = response.event
            self._notify(ServerEvent(EventKind(event.kind), event.message, event.sequence, event))
            if event.kind == v1.SessionEventKind.SESSION_EVENT_KIND_TAKEN_OVER:
                # Taking it back would be a fight.
                return ConnectionLostError(f"another connection took over the session at {self._channel.options.shown_address}")
            self._received += 1
        elif kind == "summary" and not self._summary.done():
            self._summary.set_result(response.summary)
        # Kinds that a newer server may send are passed over.
        return None

    def _answer(self, entry: Entry | None) -> None:
        if entry is not None and entry.waiting:
            entry.waiting = False
            self._room.release()
        if self._ledger.idle:
            self._answered.set()

    async def _resume(self, why: LoupeError) -> _Connection:
        """The next connection; what the server lacks goes first. LoupeError where there is none, or the server does not have the session any more."""
        if self._outage is None:
            window = from_duration(self.grant.resume_window) if self.grant.HasField("resume_window") else _DEFAULT_WINDOW
            self._outage = Outage(window)
        outage = self._outage
        if outage.left <= 0:
            raise ConnectionLostError(f"each new connection broke again: {LONG_CALLS}")
        self._notify(Disconnected(str(why), outage.left))
        # Nothing that a server which does not know the session any more would have to keep.
        frames, controls = self._ledger.answered()
        opening = v1.OpenSession(
            session_name=self._opening.session_name,
            client=self._opening.client,
            max_response_bytes=self._opening.max_response_bytes,
            resume_token=self.grant.resume_token,
            responses_received=self._received,
            frames_answered=frames,
            controls_answered=controls,
        )
        connection = await self._channel.reconnect(lambda: _Connection.open(self._channel, opening), outage)
        grant = connection.grant
        if not grant.resumed:
            connection.call.cancel()
            reasons = [part.reason for part in grant.unavailable if part.feature == "resume_token"]
            reason = reasons[0] if reasons else "it was restarted, or its resume window has passed"
            raise ConnectionLostError(f"the server at {self._channel.options.shown_address} does not have the session any more: {reason}")
        self._connection = connection
        self._fail_what_does_not_pass(grant)
        missing = self._ledger.missing(grant.next_sequence, grant.controls_received)
        for entry in self._ledger.sent():
            if entry.waiting and (not entry.is_frame or entry.number < grant.next_sequence):
                self._answer(entry)  # It arrived, although its writer was told otherwise.
        self._outbox = collections.deque(missing)
        self._wake.set()
        self._notify(Resumed(outage.elapsed, sum(entry.is_frame for entry in missing)))
        return connection

    def _fail_what_does_not_pass(self, grant: v1.SessionGrant) -> None:
        """A frame over which every connection breaks would take along all others, until the server's window has passed."""
        reached = (grant.next_sequence, grant.controls_received, self._received)
        self._times_reached = self._times_reached + 1 if reached == self._reached else 1
        self._reached = reached
        missing = self._ledger.missing(grant.next_sequence, grant.controls_received)
        if self._times_reached < _MAX_BREAKS_OVER_ONE_FRAME or not missing or not missing[0].is_frame:
            return
        entry = missing[0]
        size = len(entry.data or b"") / (1024 * 1024)
        self._ledger.withdraw(
            entry,
            FailureCode.CONNECTION_LOST,
            f"the connection to {self._channel.options.shown_address} broke {self._times_reached} times while this frame of {size:.1f} MiB "
            f"was sent: {LARGE_MESSAGES}",
        )
        self._answer(entry)
        self._times_reached = 0

    def _notify(self, event: SessionEvent) -> None:
        level = logging.WARNING if isinstance(event, Disconnected) else logging.INFO
        log.log(level, "session %s: %s", self.grant.session_id, event, extra={"loupe_session": self._opening.session_name})
        self._events.append(event)
        self._event.set()

    def _end(self, fault: LoupeError | None) -> None:
        if self._ended.is_set():
            return
        if self._disposing:
            fault = ConnectionLostError("the session was closed")
        self._fault = fault
        self._ended.set()
        if fault:
            log.info("session %s ended: %s", self.grant.session_id, fault, extra={"loupe_session": self._opening.session_name})
        self._ledger.close(
            FailureCode.CANCELED if self._disposing else FailureCode.CONNECTION_LOST,
            str(fault or "the server completed the session without an outcome for this frame"),
        )
        self._answered.set()
        self._event.set()
        self._credits.close()
        self._room.close()
        for waiting in self._controls.values():
            if not waiting.done():
                waiting.set_exception(self._ended_error())
                waiting.exception()  # Nobody has to wait for it.
        self._controls.clear()
        if not self._summary.done():
            self._summary.set_exception(self._ended_error())
            self._summary.exception()

    def _raise_if_completing(self) -> None:
        if self._completing:
            raise RuntimeError("the session is being completed: it takes no more frames and controls")

    def _ended_error(self) -> LoupeError:
        error = ConnectionLostError(str(self._fault or "the session is over"))
        error.__cause__ = self._fault
        return error


def _too_large(size: int, limit: int) -> str:
    number = f"{limit / (1024 * 1024):.2f}".rstrip("0").rstrip(".")
    return f"the frame is {size / (1024 * 1024):.1f} MiB, and the limit is {number} MiB (Loupe:Limits:MaxFrameBytes on the server)"
