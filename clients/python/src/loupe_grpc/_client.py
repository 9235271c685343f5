"""The client for asyncio."""

from __future__ import annotations

import asyncio
from typing import Any, AsyncIterable, AsyncIterator, Iterable, Union

from loupe_grpc import _frames, v1
from loupe_grpc._channel import Channel
from loupe_grpc._frames import Frame, Image
from loupe_grpc._options import DEFAULT_ADDRESS, ClientOptions, Masks, SessionOptions, Thresholds, Tiles
from loupe_grpc._outcomes import Analysis, Outcome, to_analysis
from loupe_grpc._session import AsyncSession

Frames = Union[Iterable[Union[Image, Frame]], AsyncIterable[Union[Image, Frame]]]


class AsyncLoupeClient:
    """The connection to one LoupeGrpc server, for one event loop. Meant to live as long as the program; closing it breaks open sessions.

    Connects with the first call. The keyword arguments are the fields of :class:`ClientOptions`.
    """

    def __init__(self, address: str = DEFAULT_ADDRESS, **options: Any) -> None:
        self._options = ClientOptions(address, **options)
        self._open_channel: Channel | None = None

    @property
    def address(self) -> str:
        return self._options.shown_address

    @classmethod
    async def connect(cls, address: str = DEFAULT_ADDRESS, **options: Any) -> AsyncLoupeClient:
        """A client whose server has answered; waits for it up to `connect_timeout`. UnavailableError where it did not."""
        client = cls(address, **options)
        try:
            await client._channel.connect(client._channel.server_info)
        except BaseException:
            await client.close()
            raise
        return client

    async def __aenter__(self) -> AsyncLoupeClient:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        if self._open_channel:
            await self._open_channel.close()

    @property
    def _channel(self) -> Channel:
        # Not before there is an event loop.
        if self._open_channel is None:
            self._open_channel = Channel(self._options)
        return self._open_channel

    async def server_info(self) -> v1.GetServerInfoResponse:
        """What is served, by what, and within which limits. UnavailableError: there is no server."""
        return await self._channel.call(self._channel.server_info)

    async def analyze_image(
        self,
        image: Image,
        *,
        thresholds: Thresholds | None = None,
        masks: Masks | None = None,
        tiles: Tiles | None = None,
        explain: str = "",
        receipt: bool = False,
        model: str = "",
    ) -> Analysis:
        """Analyses one picture outside any session, with the server's first model or the one of that name. RequestError: the server cannot; its code
        says why. UnavailableError: there is no server."""
        request = v1.AnalyzeImageRequest(
            thresholds=thresholds.to_message() if thresholds else None,
            mask=masks.to_message() if masks else None,
            tiles=tiles.to_message() if tiles else None,
            explain=explain,
            receipt=receipt,
            model=model,
            **_frames.to_message(_frames.read(image)),
        )
        answer = await self._channel.call(lambda: self._channel.analyze_image(request))
        return to_analysis(answer.result)

    async def open_session(self, options: SessionOptions | None = None, **fields: Any) -> AsyncSession:
        """Opens a session; tried again up to `connect_timeout` while the server cannot be reached. The keyword arguments are the fields of
        :class:`SessionOptions`. RequestError: the server refused it. UnavailableError: there is no server.
        """
        if options is not None and fields:
            raise TypeError("give options or single fields, not both")
        return await AsyncSession.open(self._channel, options or SessionOptions(**fields))

    async def analyze(self, frames: Frames, options: SessionOptions | None = None, **fields: Any) -> AsyncIterator[Outcome]:
        """Analyses frames in a session of their own: sends as many as the server lets it while outcomes are read, and completes it after the last.

        ConnectionLostError: the session broke; raised after the outcomes of all frames that were taken.
        """
        session = await self.open_session(options, **fields)
        sending = asyncio.get_running_loop().create_task(_send_all(session, frames))
        try:
            async for outcome in session.results():
                yield outcome
            # A source that waits for its next frame would never see that the session broke.
            if session.fault:
                raise session.fault
            await sending
        finally:
            sending.cancel()
            await session.close()
            await asyncio.wait([sending])
            if not sending.cancelled():
                sending.exception()


async def _send_all(session: AsyncSession, frames: Frames) -> None:
    try:
        if isinstance(frames, AsyncIterable):
            async for frame in frames:
                await session.send(frame)
        else:
            for frame in frames:
                await session.send(frame)
    finally:
        # Also after a failing source: the frames already sent have outcomes to come.
        await session.complete()
