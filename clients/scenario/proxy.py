"""A TCP proxy that breaks connections when it is told to, and the line protocol by which scenario programs tell it."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import time
from collections.abc import Awaitable, Callable


class _Pair:
    """A client's connection and the one to the server behind it."""

    def __init__(self, client: asyncio.StreamWriter, server: asyncio.StreamWriter) -> None:
        self.client = client
        self.server = server
        #: Bytes until the pair is cut; None: never.
        self.request_left: int | None = None
        self.response_left: int | None = None

    def cut(self, reset: bool = True) -> None:
        for writer in (self.client, self.server):
            if reset:
                with contextlib.suppress(OSError):
                    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                writer.transport.abort()
            else:
                writer.close()


class CuttingProxy:
    """`takeover` is asked for what only a second client can do, with the session's token."""

    def __init__(self, upstream: tuple[str, int], takeover: Callable[[bytes], Awaitable[None]]) -> None:
        self._upstream = upstream
        self._takeover = takeover
        self._pairs: set[_Pair] = set()
        self._refusing_until = 0.0

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self._control = await asyncio.start_server(self._obey, "127.0.0.1", 0)
        self.address = "127.0.0.1:%d" % self._server.sockets[0].getsockname()[1]
        self.control = "127.0.0.1:%d" % self._control.sockets[0].getsockname()[1]

    def close(self) -> None:
        self._server.close()
        self._control.close()
        self._cut()

    def _cut(self, reset: bool = True) -> None:
        for pair in list(self._pairs):
            pair.cut(reset)
        self._pairs.clear()

    async def _obey(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        command, _, argument = (await reader.readline()).decode("ascii").strip().partition(" ")
        answer = "ok"
        if command in ("reset", "close"):
            self._cut(command == "reset")
        elif command == "refuse":
            self._refusing_until = time.monotonic() + int(argument) / 1000
            self._cut()
        elif command == "after-request":
            for pair in self._pairs:
                pair.request_left = int(argument)
        elif command == "after-response":
            for pair in self._pairs:
                pair.response_left = int(argument)
        elif command == "calm":
            for pair in self._pairs:
                pair.request_left = pair.response_left = None
        elif command == "takeover":
            await self._takeover(bytes.fromhex(argument))
        else:
            answer = f"no such command: {command}"
        writer.write(answer.encode("ascii") + b"\n")
        await writer.drain()
        writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if time.monotonic() < self._refusing_until:
            writer.transport.abort()
            return
        server_reader, server_writer = await asyncio.open_connection(*self._upstream)
        pair = _Pair(writer, server_writer)
        self._pairs.add(pair)
        try:
            await asyncio.gather(self._pump(reader, server_writer, pair, "request_left"), self._pump(server_reader, writer, pair, "response_left"))
        finally:
            pair.cut(reset=False)
            self._pairs.discard(pair)

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, pair: _Pair, left: str) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(16384):
                allowed: int | None = getattr(pair, left)
                if allowed is not None and len(data) >= allowed:
                    writer.write(data[:allowed])
                    await writer.drain()
                    pair.cut()
                    return
                if allowed is not None:
                    setattr(pair, left, allowed - len(data))
                writer.write(data)
                await writer.drain()
        # What one side ended, the other hears of.
        pair.cut(reset=False)
