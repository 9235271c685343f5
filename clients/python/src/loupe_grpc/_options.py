"""How a client reaches its server, and what a session asks for."""

from __future__ import annotations

import enum
import os
import pathlib
import urllib.parse
from dataclasses import dataclass, field
from typing import Callable, Mapping, Union

from google.protobuf import duration_pb2

from loupe_grpc import v1
from loupe_grpc._frames import FrameFormat
from loupe_grpc._outcomes import Economy

#: Where `loupe-grpc-server` listens unless told otherwise.
DEFAULT_ADDRESS = "http://127.0.0.1:5005"
VERSION = "0.2.0"

#: A PEM file's path, or its bytes.
Pem = Union[str, "os.PathLike[str]", bytes]


class MaskPolicy(enum.IntEnum):
    """When a mask is computed."""

    ALWAYS = v1.MaskPolicy.MASK_POLICY_ALWAYS
    #: When the verdict is not authentic.
    WHEN_SUSPECTED = v1.MaskPolicy.MASK_POLICY_WHEN_SUSPECTED
    NEVER = v1.MaskPolicy.MASK_POLICY_NEVER


class MaskEncoding(enum.IntEnum):
    """How a mask is written on the wire."""

    RLE = v1.MaskEncoding.MASK_ENCODING_RLE
    #: 255 where forged. Reading it needs Pillow or OpenCV.
    PNG = v1.MaskEncoding.MASK_ENCODING_PNG
    #: The soft map before the threshold. Reading it needs Pillow or OpenCV.
    SOFT_PNG = v1.MaskEncoding.MASK_ENCODING_SOFT_PNG


class TilePolicy(enum.IntEnum):
    """When picture files are looked at in tiles, their pixels as they are."""

    OFF = v1.TilePolicy.TILE_POLICY_OFF
    #: Large ones, where the model was trained so.
    AUTO = v1.TilePolicy.TILE_POLICY_AUTO
    #: Every one. Not in sessions that adapt.
    NATIVE = v1.TilePolicy.TILE_POLICY_NATIVE


class DeliveryMode(enum.IntEnum):
    """Ways to deal with too many frames."""

    EVERY_FRAME = v1.DeliveryMode.DELIVERY_MODE_EVERY_FRAME
    FRESHEST = v1.DeliveryMode.DELIVERY_MODE_FRESHEST
    STALENESS_BUDGET = v1.DeliveryMode.DELIVERY_MODE_STALENESS_BUDGET


@dataclass(frozen=True)
class Thresholds:
    """Where a score becomes a verdict; each that is not given is the server's."""

    #: Below it: authentic.
    low: float | None = None
    #: From it on: manipulated.
    high: float | None = None

    def to_message(self) -> v1.Thresholds:
        return v1.Thresholds(low=self.low or 0, high=self.high or 0, default_low=self.low is None)


@dataclass(frozen=True)
class Masks:
    """When and how masks are returned."""

    policy: MaskPolicy = MaskPolicy.WHEN_SUSPECTED
    encoding: MaskEncoding = MaskEncoding.RLE
    #: Bytes; a longer mask is left out. Default (0): what fits the session's response limit.
    max_bytes: int = 0

    def to_message(self) -> v1.MaskSettings:
        return v1.MaskSettings(policy=int(self.policy), encoding=int(self.encoding), max_bytes=self.max_bytes)  # type: ignore[arg-type]


@dataclass(frozen=True)
class Tiles:
    """Whether picture files are looked at in tiles, and with `per_frame` raw frames too."""

    policy: TilePolicy = TilePolicy.AUTO
    #: The most tiles of a picture, each a run of the model. Default (0): the server's, 256 unless configured.
    max_tiles: int = 0
    #: Seconds that the tiles of a picture may take on average. Default (0): as long as it takes.
    budget: float = 0
    #: In sessions that do not adapt: tiles of each frame; the next shows others, until all were shown. Default (0): each frame is
    #: looked at by itself.
    per_frame: int = 0
    #: With `per_frame`: frames whose tiles a score is made of. Default (0): as many as show every tile once.
    window: int = 0

    def to_message(self) -> v1.TileSettings:
        return v1.TileSettings(
            policy=int(self.policy),  # type: ignore[arg-type]
            max_tiles=self.max_tiles,
            budget_ms=round(self.budget * 1000),
            tiles_per_frame=self.per_frame,
            window_frames=self.window,
        )


@dataclass(frozen=True)
class OverTime:
    """How frames are judged together: a verdict that does not flicker, and segments in the summary."""

    #: Seconds; frames older than it leave the window. Default (0): the server's, 1 unless configured.
    window: float = 0
    #: The most frames in the window. Default (0): the server's, 32 unless configured.
    max_frames: int = 0
    #: The least frames that a verdict needs. Default (0): the server's, 3 unless configured.
    min_frames: int = 0

    def to_message(self) -> v1.TemporalSettings:
        window = to_duration(self.window) if self.window else None
        return v1.TemporalSettings(enabled=True, window=window, max_frames=self.max_frames, min_frames=self.min_frames)


@dataclass(frozen=True)
class Delivery:
    """Which frames are answered when they come too fast."""

    mode: DeliveryMode = DeliveryMode.EVERY_FRAME
    #: Seconds; for STALENESS_BUDGET, where it is required.
    staleness_budget: float | None = None

    def to_message(self) -> v1.DeliveryPolicy:
        budget = None if self.staleness_budget is None else to_duration(self.staleness_budget)
        return v1.DeliveryPolicy(mode=int(self.mode), staleness_budget=budget)  # type: ignore[arg-type]


@dataclass(frozen=True)
class Adaptation:
    """How the session learns while frames pass. Each 0 is the server's default; the contract (`v1.AdaptationSettings`) says which."""

    learning_rate: float = 0
    steps_per_frame: int = 0
    min_confidence: float = 0
    every_nth: int = 0
    dual_verdict_every_nth: int = 0
    guard: v1.AdaptationGuard | None = None

    def to_message(self) -> v1.AdaptationSettings:
        return v1.AdaptationSettings(
            enabled=True,
            learning_rate=self.learning_rate,
            steps_per_frame=self.steps_per_frame,
            min_confidence=self.min_confidence,
            every_nth=self.every_nth,
            dual_verdict_every_nth=self.dual_verdict_every_nth,
            guard=self.guard,
        )


@dataclass(frozen=True)
class SessionOptions:
    """What a session asks for; what it was given is in its `grant`."""

    #: The caller's own name of the session, for logs and lists; balancers hash it. At most 128 characters.
    name: str = ""
    #: Which of the server's models analyses the frames: a name from `server_info().models`. Default: the server's first.
    model: str = ""
    #: Format of raw frames that do not say their own.
    frame_format: FrameFormat | None = None
    delivery: Delivery | None = None
    masks: Masks | None = None
    #: Default: pictures are looked at whole.
    tiles: Tiles | None = None
    #: Language of `Analysis.explanation`, `en` or `zh`. Default: none, results have no sentences.
    explain: str = ""
    #: Have the server sign a receipt for each result, `Analysis.receipt`, and for the session's end, `receipt` of its summary.
    receipts: bool = False
    #: Judge frames over time too: `Analysis.over_time`, and `segments` of the summary. Default: not.
    over_time: OverTime | None = None
    thresholds: Thresholds | None = None
    #: Default: no adaptation.
    adaptation: Adaptation | None = None
    #: A state from `snapshot_adaptation`, of the same model. Default: base parameters.
    adaptation_snapshot: bytes = b""
    #: When the connection breaks the session goes on with another one where it was: no frame lost, none answered twice. False: it ends with it.
    reconnect: bool = True
    #: Ask for bit-for-bit repeatable results.
    deterministic: bool = False
    #: What of its frames' work the session would rather go without than lose frames, while it loses some.
    economies: tuple[Economy, ...] = ()
    #: Outcomes come as they are ready.
    unordered: bool = False
    #: Frames sent whose outcomes were not yet taken, 1 to 4,096; the server's credits may bound them further.
    max_frames_in_flight: int = 64

    def __post_init__(self) -> None:
        if len(self.name) > 128:
            raise ValueError("name has more than 128 characters")
        if not 1 <= self.max_frames_in_flight <= 4096:
            raise ValueError("max_frames_in_flight is 1 to 4,096")

    def to_message(self, client: ClientOptions) -> v1.OpenSession:
        return v1.OpenSession(
            session_name=self.name,
            model=self.model,
            frame_format=self.frame_format.to_message() if self.frame_format else None,
            delivery=self.delivery.to_message() if self.delivery else None,
            mask=self.masks.to_message() if self.masks else None,
            tiles=self.tiles.to_message() if self.tiles else None,
            explain=self.explain,
            receipts=self.receipts,
            temporal=self.over_time.to_message() if self.over_time else None,
            thresholds=self.thresholds.to_message() if self.thresholds else None,
            adaptation=self.adaptation.to_message() if self.adaptation else None,
            adaptation_snapshot=self.adaptation_snapshot,
            deterministic=self.deterministic,
            economies=[v1.Economy.ValueType(economy) for economy in self.economies],
            unordered=self.unordered,
            max_response_bytes=client.max_response_bytes,
            client=client.client_name,
            resumable=self.reconnect,
        )


@dataclass(frozen=True)
class ClientOptions:
    """How a client reaches its server."""

    #: `http://HOST:PORT` (HTTP/2 without TLS), `https://HOST:PORT` or `unix:/path`.
    address: str = DEFAULT_ADDRESS
    #: With `https://`: whose certificates are trusted. Default: the system's.
    ca: Pem | None = None
    #: The client's own certificate chain and key, where the server asks for one.
    certificate: Pem | None = None
    private_key: Pem | None = None
    #: Sent as `authorization: Bearer KEY`.
    key: str | None = field(default=None, repr=False)
    #: Further request headers of every call.
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    #: Asked before every call for headers of its own, e.g. a trace's context. OpenTelemetry's current context goes along by itself where
    #: `opentelemetry` is installed.
    call_headers: Callable[[], Mapping[str, str]] | None = None
    #: Seconds for which connecting and opening a session are tried again while the server cannot be reached. 0 tries once.
    connect_timeout: float = 10.0
    #: How often a call outside sessions is tried again after UNAVAILABLE.
    unary_retries: int = 3
    #: Seconds between HTTP/2 pings while calls are open; a server silent for another 10 s counts as lost.
    keep_alive: float = 20.0
    #: Bytes; bounds masks. 65,536 or more.
    max_response_bytes: int = 16 * 1024 * 1024
    #: The program and version that the server logs. At most 128 characters.
    client_name: str = f"loupe-grpc-python/{VERSION}"

    def __post_init__(self) -> None:
        self.target()
        if not self.secure and (self.ca or self.certificate or self.private_key):
            raise ValueError("ca, certificate and private_key go with an https:// address")
        if (self.certificate is None) != (self.private_key is None):
            raise ValueError("certificate and private_key go together")
        if self.connect_timeout < 0 or self.keep_alive <= 0 or not 0 <= self.unary_retries <= 10:
            raise ValueError("connect_timeout is 0 or more, keep_alive above 0, unary_retries 0 to 10")
        if self.max_response_bytes < 65_536:
            raise ValueError("max_response_bytes is 65,536 or more")
        if len(self.client_name) > 128:
            raise ValueError("client_name has more than 128 characters")

    @property
    def secure(self) -> bool:
        return self.address.startswith("https://")

    def target(self) -> str:
        """What gRPC calls it."""
        if self.address.startswith("unix:"):
            return self.address
        parts = urllib.parse.urlsplit(self.address)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"address is {self.address!r}: it must be http://HOST:PORT, https://HOST:PORT or unix:/path")
        host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
        return f"{host}:{parts.port or (443 if parts.scheme == 'https' else 80)}"

    @property
    def shown_address(self) -> str:
        """As messages show it: without a path, and without credentials."""
        return self.address if self.address.startswith("unix:") else f"{self.address.split('://')[0]}://{self.target()}"


def read_pem(pem: Pem | None) -> bytes | None:
    return pem if pem is None or isinstance(pem, bytes) else pathlib.Path(pem).read_bytes()


def to_duration(seconds: float) -> duration_pb2.Duration:
    nanos = round(seconds * 1e9)
    return duration_pb2.Duration(seconds=nanos // 10**9, nanos=nanos % 10**9)


def from_duration(duration: duration_pb2.Duration) -> float:
    return float(duration.seconds + duration.nanos / 1e9)
