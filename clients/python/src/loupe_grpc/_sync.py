"""The client for threads: the one for asyncio, on an event loop of its own. Methods may be called from any thread."""

from __future__ import annotations

import asyncio
import concurrent.futures
import logging
import sys
import threading
from typing import Any, Coroutine, Iterable, Iterator, TypeVar, Union

from loupe_grpc import v1
from loupe_grpc._client import AsyncLoupeClient
from loupe_grpc._errors import LoupeError
from loupe_grpc._frames import Frame, Image
from loupe_grpc._options import DEFAULT_ADDRESS, Adaptation, Masks, SessionOptions, Thresholds, Tiles
from loupe_grpc._outcomes import Analysis, Outcome
from loupe_grpc._session import AsyncSession, SessionEvent

T = TypeVar("T")

#: Outcomes fetched in one go, where so many are ready.
_BATCH = 64


def _is_no_false_alarm(record: logging.LogRecord) -> bool:
    """gRPC wakes every event loop of a process for the work of each, and asyncio logs that all but one find nothing to do (grpc/grpc#25364)."""
    error = record.exc_info[1] if record.exc_info else None
    return not (isinstance(error, BlockingIOError) and "PollerCompletionQueue" in record.getMessage())


class _Loop:
    """The one event loop of all clients for threads in a process; there is another one where `AsyncLoupeClient` is used too."""

    _gate = threading.Lock()
    _loop: asyncio.AbstractEventLoop | None = None

    @classmethod
    def get(cls) -> asyncio.AbstractEventLoop:
        with cls._gate:
            if cls._loop is None:
                cls._loop = asyncio.new_event_loop()
                logging.getLogger("asyncio").addFilter(_is_no_false_alarm)
                threading.Thread(target=cls._loop.run_forever, name="loupe-grpc", daemon=True).start()
            return cls._loop


def _run(work: Coroutine[Any, Any, T], timeout: float | None = None) -> T:
    if timeout is not None:
        work = asyncio.wait_for(work, timeout)  # type: ignore[assignment]
    future = asyncio.run_coroutine_threadsafe(work, _Loop.get())
    try:
        return future.result()
    except concurrent.futures.TimeoutError:
        raise TimeoutError(f"not done within {timeout:g} s" if timeout is not None else "timed out") from None
    except BaseException:
        # Ctrl-C while waiting: what was begun is given up.
        future.cancel()
        raise


class Session:
    """Open it with :meth:`LoupeClient.open_session`. Send, control and read from different threads; send as many frames as you like while
    another thread reads, or at most `max_frames_in_flight` before you read in the same.

    `timeout` of each method: seconds until TimeoutError; the session goes on, and a frame that was not taken has no outcome.
    """

    def __init__(self, session: AsyncSession) -> None:
        self._session = session
        #: What the server granted at the opening: limits, model, what runs it, and what of the request is not available.
        self.grant = session.grant

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def fault(self) -> LoupeError | None:
        """Why the session ended before it was completed. None while it runs and after a regular end."""
        return self._session.fault

    def send(
        self,
        frame: Image | Frame,
        *,
        frame_id: int | None = None,
        capture_time: Any = None,
        deadline: float | None = None,
        timeout: float | None = None,
    ) -> int:
        """Sends a frame once there is room; its index. See :meth:`AsyncSession.send`."""
        return _run(self._session.send(frame, frame_id=frame_id, capture_time=capture_time, deadline=deadline), timeout)

    def results(self, timeout: float | None = None) -> Iterator[Outcome]:
        """The outcomes, in the order of sending. Ends with the session; never raises for that. `timeout` is for each of them."""
        while batch := _run(self._session._take(_BATCH), timeout):
            taken = 0
            try:
                for outcome in batch:
                    taken += 1
                    _Loop.get().call_soon_threadsafe(self._session._credits.release)
                    yield outcome
            finally:
                # A later reader goes on where this one stopped.
                if rest := batch[taken:]:
                    _run(self._put_back(rest))

    def __iter__(self) -> Iterator[Outcome]:
        return self.results()

    def events(self) -> Iterator[SessionEvent]:
        """What happened to the session by itself. Ends with the session; for a thread of its own. The 256 latest are kept."""
        events = self._session.events()
        while True:
            try:
                yield _run(_next(events))
            except StopAsyncIteration:
                return

    def complete(self, timeout: float | None = None) -> v1.SessionSummary:
        """Says that no more frames come and waits for the server's account. Outcomes can still be read afterwards."""
        return _run(self._session.complete(), timeout)

    def close(self) -> None:
        """Ends the session at once when it was not completed. See :meth:`AsyncSession.close`."""
        # While the interpreter ends, the thread that would do it does not run any more: an iterator that an exception
        # left behind must not wait for it.
        if not sys.is_finalizing():
            _run(self._session.close())

    def set_thresholds(self, thresholds: Thresholds, timeout: float | None = None) -> v1.ControlReply:
        """New thresholds from the next frame on. The reply says which hold."""
        return _run(self._session.set_thresholds(thresholds), timeout)

    def set_masks(self, masks: Masks, timeout: float | None = None) -> v1.ControlReply:
        """New mask settings from the next frame on."""
        return _run(self._session.set_masks(masks), timeout)

    def flush(self, timeout: float | None = None) -> v1.ControlReply:
        """Waits until every frame sent before it has its outcome. RequestError where the server did not carry a control out."""
        return _run(self._session.flush(), timeout)

    def set_adaptation(self, adaptation: Adaptation, timeout: float | None = None) -> v1.ControlReply:
        """Starts adapting, or changes how, from the next frame on; parameters stay as they are."""
        return _run(self._session.set_adaptation(adaptation), timeout)

    def freeze_adaptation(self, timeout: float | None = None) -> v1.ControlReply:
        """Stops adapting; the parameters stay."""
        return _run(self._session.freeze_adaptation(), timeout)

    def resume_adaptation(self, timeout: float | None = None) -> v1.ControlReply:
        """Goes on adapting after a freeze."""
        return _run(self._session.resume_adaptation(), timeout)

    def reset_adaptation(self, timeout: float | None = None) -> v1.ControlReply:
        """Back to the base parameters, step 0."""
        return _run(self._session.reset_adaptation(), timeout)

    def rollback_adaptation(self, step: int | None = None, timeout: float | None = None) -> v1.ControlReply:
        """Back to the state after `step` optimiser steps, or to the last snapshot."""
        return _run(self._session.rollback_adaptation(step), timeout)

    def snapshot_adaptation(self, timeout: float | None = None) -> v1.ControlReply:
        """The state that the frames sent before leave: `snapshot` of the reply, for `SessionOptions.adaptation_snapshot`."""
        return _run(self._session.snapshot_adaptation(), timeout)

    async def _put_back(self, outcomes: list[Outcome]) -> None:
        self._session._ledger.ready.extendleft(reversed(outcomes))
        self._session._ready.set()


class LoupeClient:
    """The connection to one LoupeGrpc server. Thread-safe; meant to live as long as the program and to be shared.

    Connects with the first call. The keyword arguments are the fields of :class:`ClientOptions`.
    """

    def __init__(self, address: str = DEFAULT_ADDRESS, **options: Any) -> None:
        self._client = AsyncLoupeClient(address, **options)

    @property
    def address(self) -> str:
        return self._client.address

    @classmethod
    def connect(cls, address: str = DEFAULT_ADDRESS, **options: Any) -> LoupeClient:
        """A client whose server has answered; waits for it up to `connect_timeout`. UnavailableError where it did not."""
        client = cls.__new__(cls)
        client._client = _run(AsyncLoupeClient.connect(address, **options))
        return client

    def __enter__(self) -> LoupeClient:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Breaks the sessions that are still open."""
        _run(self._client.close())

    def server_info(self, timeout: float | None = None) -> v1.GetServerInfoResponse:
        """What is served, by what, and within which limits."""
        return _run(self._client.server_info(), timeout)

    def analyze_image(
        self,
        image: Image,
        *,
        thresholds: Thresholds | None = None,
        masks: Masks | None = None,
        tiles: Tiles | None = None,
        explain: str = "",
        receipt: bool = False,
        model: str = "",
        timeout: float | None = None,
    ) -> Analysis:
        """Analyses one picture outside any session, with the server's first model or the one of that name. RequestError: the server cannot; its code
        says why."""
        analysis = self._client.analyze_image(image, thresholds=thresholds, masks=masks, tiles=tiles, explain=explain, receipt=receipt, model=model)
        return _run(analysis, timeout)

    def open_session(self, options: SessionOptions | None = None, *, timeout: float | None = None, **fields: Any) -> Session:
        """Opens a session. The keyword arguments are the fields of :class:`SessionOptions`."""
        return Session(_run(self._client.open_session(options, **fields), timeout))

    def analyze(self, frames: Iterable[Union[Image, Frame]], options: SessionOptions | None = None, **fields: Any) -> Iterator[Outcome]:
        """Analyses frames in a session of their own; `frames` is read by another thread while outcomes are.

        ConnectionLostError: the session broke; raised after the outcomes of all frames that were taken, as is what `frames` itself raises.
        """
        session = self.open_session(options, **fields)
        failure: list[BaseException] = []

        def send_all() -> None:
            try:
                try:
                    for frame in frames:
                        session.send(frame)
                finally:
                    # Also after a failing source: the frames already sent have outcomes to come.
                    session.complete()
            except BaseException as error:  # Raised where the outcomes are read.
                failure.append(error)

        sending = threading.Thread(target=send_all, name="loupe-grpc-sender", daemon=True)
        sending.start()
        finished = False
        try:
            yield from session.results()
            # A source that waits for its next frame would never see that the session broke.
            if session.fault:
                raise session.fault
            sending.join()
            finished = True
        finally:
            session.close()
        if finished and failure:
            raise failure[0]


async def _next(events: Any) -> Any:
    return await events.__anext__()
