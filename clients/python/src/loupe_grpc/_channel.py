"""The way to the server: channel, headers, and when calls are tried again."""

from __future__ import annotations

import asyncio
import random
import time
from typing import Any, Awaitable, Callable, TypeVar

import grpc
import grpc.aio

from loupe_grpc import v1
from loupe_grpc._errors import LoupeError, UnavailableError, is_transport, to_error
from loupe_grpc._options import ClientOptions, read_pem

T = TypeVar("T")

#: Seconds. A server that took the connection may be busy; one that says nothing for so long is none.
ATTEMPT_TIMEOUT = 60.0
#: Seconds. A session's window may be short, and a way that leads nowhere must not eat it up.
RECONNECT_TIMEOUT = 10.0
_MAX_PAUSE = 2.0


class Channel:
    """One gRPC channel and the three calls of the service."""

    def __init__(self, options: ClientOptions) -> None:
        self.options = options
        arguments = [
            ("grpc.max_receive_message_length", options.max_response_bytes),
            ("grpc.max_send_message_length", -1),
            ("grpc.keepalive_time_ms", int(options.keep_alive * 1000)),
            ("grpc.keepalive_timeout_ms", 10_000),
            ("grpc.http2.max_pings_without_data", 0),
            # Ours are the pauses between attempts; gRPC's grow to two minutes.
            ("grpc.initial_reconnect_backoff_ms", 100),
            ("grpc.min_reconnect_backoff_ms", 5_000),
            ("grpc.max_reconnect_backoff_ms", 500),
            ("grpc.use_local_subchannel_pool", 1),
            # A proxy from the environment cannot carry HTTP/2 without TLS.
            ("grpc.enable_http_proxy", int(options.secure)),
        ]
        if options.secure:
            credentials = grpc.ssl_channel_credentials(
                root_certificates=read_pem(options.ca), private_key=read_pem(options.private_key), certificate_chain=read_pem(options.certificate)
            )
            self._channel = grpc.aio.secure_channel(options.target(), credentials, options=arguments)
        else:
            self._channel = grpc.aio.insecure_channel(options.target(), options=arguments)
        service = "/loupe.v1.ForgeryAnalysisService/"
        # Requests come as bytes: a session keeps what it may have to send again.
        self._analyze = self._channel.stream_stream(service + "Analyze", response_deserializer=v1.AnalyzeResponse.FromString)
        self._analyze_image = self._channel.unary_unary(
            service + "AnalyzeImage",
            request_serializer=v1.AnalyzeImageRequest.SerializeToString,
            response_deserializer=v1.AnalyzeImageResponse.FromString,
        )
        self._server_info = self._channel.unary_unary(
            service + "GetServerInfo",
            request_serializer=v1.GetServerInfoRequest.SerializeToString,
            response_deserializer=v1.GetServerInfoResponse.FromString,
        )

    def analyze(self, headers: dict[str, str]) -> Any:
        return self._analyze(metadata=self._metadata(headers))

    async def analyze_image(self, request: v1.AnalyzeImageRequest) -> v1.AnalyzeImageResponse:
        return await self._analyze_image(request, metadata=self._metadata({}))  # type: ignore[no-any-return]

    async def server_info(self) -> v1.GetServerInfoResponse:
        return await self._server_info(v1.GetServerInfoRequest(), metadata=self._metadata({}))  # type: ignore[no-any-return]

    async def close(self) -> None:
        await self._channel.close()

    def _metadata(self, headers: dict[str, str]) -> tuple[tuple[str, str], ...]:
        every = dict(headers)
        _inject_trace(every)
        every.update({name.lower(): value for name, value in self.options.headers.items()})
        if self.options.call_headers:
            every.update({name.lower(): value for name, value in self.options.call_headers().items()})
        if self.options.key:
            every["authorization"] = f"Bearer {self.options.key}"
        return tuple(every.items())

    async def connect(self, attempt: Callable[[], Awaitable[T]]) -> T:
        """Until the server answers; no attempt begins once `connect_timeout` has passed."""
        started = time.monotonic()
        tries = 0
        while True:
            try:
                return await self._attempt(attempt, ATTEMPT_TIMEOUT)
            except grpc.aio.AioRpcError as error:
                left = self.options.connect_timeout - (time.monotonic() - started)
                if left <= 0 or not is_transport(error):
                    raise to_error(error, self.options.shown_address) from error
                await asyncio.sleep(min(pause(tries), left))
                tries += 1

    async def call(self, attempt: Callable[[], Awaitable[T]]) -> T:
        """A call outside sessions: tried again where the server cannot have taken it."""
        for tries in range(self.options.unary_retries + 1):
            try:
                return await attempt()
            except grpc.aio.AioRpcError as error:
                if error.code() != grpc.StatusCode.UNAVAILABLE or tries == self.options.unary_retries:
                    raise to_error(error, self.options.shown_address) from error
                await asyncio.sleep(pause(tries + 1))
        raise AssertionError("the last attempt returns or raises")

    async def reconnect(self, attempt: Callable[[], Awaitable[T]], outage: Outage) -> T:
        """Until a connection is there; no attempt begins once the outage has lasted as long as it may."""
        if outage.attempts > 0:
            # The connection before this one was of no use.
            await asyncio.sleep(max(0, min(pause(outage.attempts), outage.left)))
        outage.attempts += 1
        while True:
            error: LoupeError
            try:
                return await self._attempt(attempt, RECONNECT_TIMEOUT)
            except grpc.aio.AioRpcError as broken:
                error = to_error(broken, self.options.shown_address)
                if not is_transport(broken):
                    raise error from broken
            except UnavailableError as silent:
                error = silent
            if outage.left <= 0:
                raise error
            await asyncio.sleep(max(0, min(pause(outage.attempts), outage.left)))
            outage.attempts += 1

    async def _attempt(self, attempt: Callable[[], Awaitable[T]], timeout: float) -> T:
        try:
            return await asyncio.wait_for(attempt(), timeout)
        except asyncio.TimeoutError as error:
            raise UnavailableError(f"{self.options.shown_address} takes connections but does not answer") from error


class Outage:
    """A time without a useful connection: from the first break until a connection brought an answer."""

    def __init__(self, window: float) -> None:
        self._started = time.monotonic()
        self._window = window
        self.attempts = 0

    @property
    def elapsed(self) -> float:
        return time.monotonic() - self._started

    @property
    def left(self) -> float:
        return self._window - self.elapsed


def pause(attempt: int) -> float:
    """0.1 s, doubled each time, with jitter so that clients of a server that restarts do not all come at once."""
    return min(0.1 * float(2 ** min(attempt, 10)), _MAX_PAUSE) * random.uniform(0.75, 1.25)


def _inject_trace(headers: dict[str, str]) -> None:
    try:
        from opentelemetry import propagate
    except ImportError:
        return
    propagate.inject(headers)
