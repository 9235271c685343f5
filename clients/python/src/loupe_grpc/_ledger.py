"""What a session sent and got: conservation on the client's side, and what a new connection has to send again. Knows no transport."""

from __future__ import annotations

import asyncio
import collections
from dataclasses import dataclass, field
from typing import Callable

from loupe_grpc import v1
from loupe_grpc._errors import FailureCode, to_code
from loupe_grpc._options import from_duration
from loupe_grpc._outcomes import Dropped, DropReason, Expired, Failed, Outcome, Result, to_analysis


@dataclass(eq=False)
class Entry:
    """A frame or control on its way."""

    #: As it goes over the wire; kept until the answer is there where the session can be resumed. None for frames that are never sent.
    data: bytes | None
    #: Of a frame: the server's number, from 0. Of a control: how many were sent before it, plus one.
    number: int
    is_frame: bool
    frame_id: int = 0
    index: int = 0
    #: Whether it takes a place among those that wait to be written.
    waiting: bool = True
    outcome: Outcome | None = None


@dataclass
class Ledger:
    """Every frame that entered leaves exactly once. Bounded by the session's credits. For one event loop."""

    ordered: bool
    #: Told when outcomes are ready, and when the last was.
    on_ready: Callable[[], None]
    ready: collections.deque[Outcome] = field(default_factory=collections.deque)
    closed: bool = False
    _frames: dict[int, Entry] = field(default_factory=dict)
    _controls: dict[int, Entry] = field(default_factory=dict)
    _in_order: collections.deque[Entry] = field(default_factory=collections.deque)
    #: Frames and controls without an answer, in the order of sending.
    _sent: dict[Entry, None] = field(default_factory=dict)
    _next_sequence: int = 0
    _next_index: int = 0
    _last_control: int = 0

    @property
    def idle(self) -> bool:
        """Whether nothing waits for the server."""
        return not self._sent

    @property
    def next_index(self) -> int:
        return self._next_index

    def enter_frame(self, frame_id: int, data: bytes) -> Entry:
        """Enters a frame that is about to be sent. Call it in the order of sending."""
        entry = Entry(data, self._next_sequence, True, frame_id)
        self._frames[self._next_sequence] = entry
        self._next_sequence += 1
        self._sent[entry] = None
        self._enter(entry)
        return entry

    def enter_failed(self, frame_id: int, code: FailureCode, message: str) -> None:
        """Enters a frame that will not be sent, with its outcome."""
        entry = Entry(None, -1, True, frame_id)
        self._enter(entry)
        self._settle(entry, Failed(frame_id, entry.index, None, code, message))

    def enter_control(self, number: int, data: bytes) -> Entry:
        entry = Entry(data, number, False, waiting=False)
        self._controls[number] = entry
        self._last_control = number
        self._sent[entry] = None
        return entry

    def settle(self, answer: v1.FrameOutcome) -> Entry | None:
        """Gives a frame the outcome that the server answered. None when no frame with its number waits for one."""
        entry = self._frames.pop(answer.sequence, None)
        if entry is not None:
            del self._sent[entry]
            self._settle(entry, _to_outcome(entry, answer))
        return entry

    def settle_control(self, number: int) -> None:
        """Unknown numbers do nothing."""
        if entry := self._controls.pop(number, None):
            del self._sent[entry]

    def answered(self) -> tuple[int, int]:
        """The first frame without an outcome, or else the next one, and how many controls have their reply."""
        return min(self._frames, default=self._next_sequence), min(self._controls, default=self._last_control + 1) - 1

    def missing(self, next_sequence: int, controls_received: int) -> list[Entry]:
        """What never arrived, in the order of sending."""
        return [entry for entry in self._sent if (entry.number >= next_sequence if entry.is_frame else entry.number > controls_received)]

    def sent(self) -> list[Entry]:
        """What has no answer, in the order of sending."""
        return list(self._sent)

    def withdraw(self, entry: Entry, code: FailureCode, message: str) -> None:
        """Ends a frame that never reached the server; those sent after it, which did not either, take its number and the next ones."""
        del self._sent[self._frames.pop(entry.number)]
        self._settle(entry, Failed(entry.frame_id, entry.index, None, code, message))
        for number in range(entry.number + 1, self._next_sequence):
            moved = self._frames.pop(number)
            moved.number = number - 1
            self._frames[moved.number] = moved
        self._next_sequence -= 1

    def close(self, code: FailureCode, message: str) -> None:
        """Ends every frame that still waits and lets no other in."""
        if self.closed:
            return
        for entry in sorted(self._frames.values(), key=lambda entry: entry.index):
            self._settle(entry, Failed(entry.frame_id, entry.index, entry.number, code, message))
        self._frames.clear()
        self._controls.clear()
        self._sent.clear()
        self.closed = True
        self.on_ready()

    def _enter(self, entry: Entry) -> None:
        entry.index = self._next_index
        self._next_index += 1
        if self.ordered:
            self._in_order.append(entry)

    def _settle(self, entry: Entry, outcome: Outcome) -> None:
        entry.data = None
        if self.ordered:
            entry.outcome = outcome
            while self._in_order and (ready := self._in_order[0].outcome) is not None:
                self._in_order.popleft()
                self.ready.append(ready)
        else:
            self.ready.append(outcome)
        if self.ready:
            self.on_ready()


class Credits:
    """A semaphore whose waiters hear that the session is over. First come, first served."""

    def __init__(self, count: int, ended: Callable[[], Exception]) -> None:
        self._free = count
        self._ended = ended
        self._closed = False
        self._waiters: collections.deque[asyncio.Future[None]] = collections.deque()

    async def acquire(self) -> None:
        if self._closed:
            raise self._ended()
        if self._free > 0 and not self._waiters:
            self._free -= 1
            return
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiters.append(waiter)
        try:
            await waiter
        except asyncio.CancelledError:
            if waiter.done() and not waiter.cancelled() and waiter.exception() is None:
                self.release()
            raise

    def release(self) -> None:
        self._free += 1
        while self._waiters and self._free > 0:
            waiter = self._waiters.popleft()
            if not waiter.done():
                self._free -= 1
                waiter.set_result(None)

    def close(self) -> None:
        self._closed = True
        while self._waiters:
            waiter = self._waiters.popleft()
            if not waiter.done():
                waiter.set_exception(self._ended())


def _to_outcome(entry: Entry, answer: v1.FrameOutcome) -> Outcome:
    base = (entry.frame_id, entry.index, entry.number)
    kind = answer.WhichOneof("outcome")
    if kind == "result":
        return Result(*base, to_analysis(answer.result))
    if kind == "dropped":
        return Dropped(*base, DropReason(answer.dropped.reason), from_duration(answer.dropped.age))
    if kind == "expired":
        return Expired(*base, from_duration(answer.expired.age), from_duration(answer.expired.deadline))
    if kind == "failed":
        return Failed(*base, to_code(answer.failed.code), answer.failed.message)
    return Failed(*base, FailureCode.INTERNAL, "the server answered with a kind of outcome that this client does not know")
