"""What comes out: one outcome a frame, and what happens to the session by itself."""

from __future__ import annotations

import enum
import io
from dataclasses import dataclass
from typing import Mapping, TypeVar

import numpy as np
import numpy.typing as npt

from loupe_grpc import v1
from loupe_grpc._errors import FailureCode
from loupe_grpc._masks import Box, RleMask


_E = TypeVar("_E", bound="_WireEnum")


class _WireEnum(enum.IntEnum):
    """An enum of the contract; a value that a newer server sends is UNSPECIFIED here, and itself in `message`."""

    @classmethod
    def _missing_(cls: type[_E], value: object) -> _E:
        return cls(0)


class Verdict(_WireEnum):
    UNSPECIFIED = 0
    AUTHENTIC = v1.Verdict.VERDICT_AUTHENTIC
    UNCERTAIN = v1.Verdict.VERDICT_UNCERTAIN
    MANIPULATED = v1.Verdict.VERDICT_MANIPULATED


class DropReason(_WireEnum):
    UNSPECIFIED = 0
    #: A fresher frame took its place.
    SUPERSEDED = v1.DropReason.DROP_REASON_SUPERSEDED
    #: It was older than the session's staleness budget.
    STALE = v1.DropReason.DROP_REASON_STALE
    #: The session ended or the server stopped before its turn came.
    SESSION_ENDED = v1.DropReason.DROP_REASON_SESSION_ENDED
    #: Its sender sends more frames a second than it may.
    OVER_QUOTA = v1.DropReason.DROP_REASON_OVER_QUOTA


class MaskOmission(_WireEnum):
    UNSPECIFIED = 0
    POLICY = v1.MaskOmission.MASK_OMISSION_POLICY
    BUDGET = v1.MaskOmission.MASK_OMISSION_BUDGET


class MaskAgreement(_WireEnum):
    UNSPECIFIED = 0
    AGREES = v1.MaskAgreement.MASK_AGREEMENT_AGREES
    DISAGREES = v1.MaskAgreement.MASK_AGREEMENT_DISAGREES


class Economy(_WireEnum):
    """Work that a session goes without rather than lose frames."""

    UNSPECIFIED = 0
    #: The adaptation takes no step.
    NO_ADAPTATION_STEP = v1.Economy.ECONOMY_NO_ADAPTATION_STEP
    NO_DUAL_VERDICT = v1.Economy.ECONOMY_NO_DUAL_VERDICT
    #: No mask where the policy gives one.
    NO_MASK = v1.Economy.ECONOMY_NO_MASK


class NoteCode(_WireEnum):
    UNSPECIFIED = 0
    FIRST_FRAME_ONLY = v1.NoteCode.NOTE_CODE_FIRST_FRAME_ONLY
    BIT_DEPTH_REDUCED = v1.NoteCode.NOTE_CODE_BIT_DEPTH_REDUCED
    ALPHA_DROPPED = v1.NoteCode.NOTE_CODE_ALPHA_DROPPED
    ORIENTATION_NOT_APPLIED = v1.NoteCode.NOTE_CODE_ORIENTATION_NOT_APPLIED
    SCALED = v1.NoteCode.NOTE_CODE_SCALED
    CMYK_CONVERTED = v1.NoteCode.NOTE_CODE_CMYK_CONVERTED
    DAMAGED = v1.NoteCode.NOTE_CODE_DAMAGED
    PREVIEW_ONLY = v1.NoteCode.NOTE_CODE_PREVIEW_ONLY
    SOFTWARE = v1.NoteCode.NOTE_CODE_SOFTWARE


class EventKind(_WireEnum):
    UNSPECIFIED = 0
    DRAINING = v1.SessionEventKind.SESSION_EVENT_KIND_DRAINING
    ADAPTATION_FROZEN = v1.SessionEventKind.SESSION_EVENT_KIND_ADAPTATION_FROZEN
    ADAPTATION_ROLLED_BACK = v1.SessionEventKind.SESSION_EVENT_KIND_ADAPTATION_ROLLED_BACK
    ADAPTATION_EVICTED = v1.SessionEventKind.SESSION_EVENT_KIND_ADAPTATION_EVICTED
    PROVIDER_CHANGED = v1.SessionEventKind.SESSION_EVENT_KIND_PROVIDER_CHANGED
    TAKEN_OVER = v1.SessionEventKind.SESSION_EVENT_KIND_TAKEN_OVER
    TERMINATED = v1.SessionEventKind.SESSION_EVENT_KIND_TERMINATED
    #: The session goes on from a checkpoint that is older than what its client has heard; the message says what is lost.
    STATE_LOST = v1.SessionEventKind.SESSION_EVENT_KIND_STATE_LOST


@dataclass(frozen=True)
class Note:
    """Something about how a picture was read."""

    code: NoteCode
    message: str


@dataclass(frozen=True)
class Region:
    """A connected part of the mask."""

    box: Box
    area: int
    #: Mean of the soft map over it. Above 0.5; may exceed 1.
    mean: float


@dataclass(frozen=True)
class Sentence:
    """Something that was measured, in the language that was asked for."""

    #: What it says, as `MASK_SPREAD`: the contract's word without its prefix, or a number that this client does not know.
    code: str
    #: For people; its wording may change.
    text: str
    #: Those in it, by name, not rounded.
    numbers: Mapping[str, float]


@dataclass(frozen=True)
class TilePeak:
    """The tile with the highest score: where a person should look first."""

    score: float
    box: Box


@dataclass(frozen=True)
class TileWindow:
    """Which frames' tiles a result is made of, where each frame shows some of them."""

    #: Frames whose tiles count, this one among them: 1 where the window begins anew.
    frames: int
    #: The most that it may be.
    size: int
    #: Tiles of this very frame.
    fresh: int
    #: Tiles that the mask is made of; 0 where there is none.
    masked: int
    #: How many of those frames before this one the peak was seen.
    peak_age: int


@dataclass(frozen=True)
class TileReport:
    """How a picture was looked at in tiles."""

    #: Tiles that the score is made of, of those that cover the picture.
    analysed: int
    total: int
    #: The most pixels from the start of a tile to that of the next.
    step: int
    #: The whole picture was analysed too, to choose among too many tiles.
    whole_picture_run: bool
    peak: TilePeak
    #: How tiles of several frames were taken together. None: all are of this picture.
    window: TileWindow | None = None


@dataclass(frozen=True)
class VerdictOverTime:
    """What a session's frames up to one say together."""

    verdict: Verdict
    #: The mean over the window as a score, 0 to 1.
    score: float
    #: Frames in the window.
    frames: int
    #: The frame is one of them. Not so where it is damaged, and its own verdict was left open.
    counted: bool
    #: The scene that it belongs to, from 0.
    scene: int
    #: The server's number of the first frame of the segment. None where the verdict is not MANIPULATED.
    since: int | None


@dataclass(frozen=True)
class AdaptationState:
    """A session's adapted parameters, described."""

    step: int
    #: SHA-256 of the adapted tensors, hexadecimal.
    hash: str
    drift: float
    frozen: bool
    last_loss: float


class Mask:
    """Where a picture was forged, in stored pixels."""

    def __init__(self, message: v1.Mask) -> None:
        #: As it came.
        self.message = message

    @property
    def area(self) -> int:
        """Forged pixels, as the server counted them."""
        return self.message.area

    @property
    def rle(self) -> RleMask | None:
        """None where another encoding was asked for."""
        if self.message.WhichOneof("data") != "rle":
            return None
        size = self.message.rle.size
        if len(size) != 2:
            raise ValueError(f"the mask's size has {len(size)} numbers; it must be [height, width]")
        return RleMask(size[0], size[1], self.message.rle.counts)

    def bitmap(self) -> npt.NDArray[np.bool_]:
        """[height, width], True where forged. ValueError where the mask is damaged."""
        if rle := self.rle:
            return rle.bitmap()
        return self.soft() >= 128

    def soft(self) -> npt.NDArray[np.uint8]:
        """[height, width], 0 to 255: the soft map, or 0 and 255. Needs Pillow or OpenCV where the mask is a PNG."""
        kind = self.message.WhichOneof("data")
        if kind == "rle":
            return np.where(self.bitmap(), np.uint8(255), np.uint8(0))
        if kind is None:
            raise ValueError("the mask has an encoding that this client does not know")
        return _read_png(getattr(self.message, kind))

    @property
    def box(self) -> Box:
        """The smallest box around the forged pixels; all 0 where there are none."""
        return (self.rle or RleMask.encode(self.bitmap())).box

    def __repr__(self) -> str:
        return f"Mask({self.message.WhichOneof('data')}, area={self.area})"


@dataclass(frozen=True)
class Analysis:
    """What was found in a picture."""

    #: Probability that the picture was forged, 0 to 1.
    score: float
    verdict: Verdict
    #: Low and high, as used.
    thresholds: tuple[float, float]
    mask: Mask | None
    #: Why there is no mask.
    mask_omission: MaskOmission
    mask_agreement: MaskAgreement
    regions: tuple[Region, ...]
    notes: tuple[Note, ...]
    #: What was left out because the session loses frames, as it allowed.
    economies: tuple[Economy, ...]
    width: int
    height: int
    #: How viewers turn the picture, in EXIF's numbering; 1 is upright.
    orientation: int
    #: Of the bytes received, hexadecimal.
    sha256: str
    provider: str
    precision: str
    #: The state the frame was answered with, in sessions that adapt.
    adaptation: AdaptationState | None
    #: The mask without adaptation, in sessions with the dual verdict.
    base_mask: Mask | None
    mask_disagreement: float
    #: How the picture was looked at in tiles. None: it was looked at whole.
    tiles: TileReport | None
    #: What was measured, in sentences; empty where no language was asked for.
    explanation: tuple[Sentence, ...]
    #: What was found, signed: one line of JSON. Empty where it was not asked for.
    receipt: bytes
    #: What the frames up to this one say together. None where it was not asked for.
    over_time: VerdictOverTime | None
    #: What the file itself says of where it comes from, Content Credentials among it. None where it says nothing.
    provenance: v1.Provenance | None
    #: As it came, with what is not repeated here.
    message: v1.FrameResult

    @property
    def timings_ms(self) -> Mapping[str, float]:
        """Where the time went, by stage."""
        timings = self.message.timings
        return {field.name.removesuffix("_ms"): getattr(timings, field.name) for field in timings.DESCRIPTOR.fields}


@dataclass(frozen=True)
class Outcome:
    """The one terminal outcome of one frame: `Result`, `Dropped`, `Expired` or `Failed`."""

    frame_id: int
    #: The frame's number within the session, from 0, in the order in which `send` took them.
    index: int
    #: The server's number of it, which events and the summary's timeline name. None for frames that were never sent.
    sequence: int | None


@dataclass(frozen=True)
class Result(Outcome):
    """The frame was analysed."""

    analysis: Analysis

    @property
    def score(self) -> float:
        return self.analysis.score

    @property
    def verdict(self) -> Verdict:
        return self.analysis.verdict

    @property
    def mask(self) -> Mask | None:
        return self.analysis.mask


@dataclass(frozen=True)
class Dropped(Outcome):
    """The frame was left out, as the delivery policy asks or because the session ended first."""

    reason: DropReason
    #: Seconds since the server received it.
    age: float


@dataclass(frozen=True)
class Expired(Outcome):
    """The frame's own deadline passed before its outcome was there."""

    #: Seconds since the server received it.
    age: float
    deadline: float


@dataclass(frozen=True)
class Failed(Outcome):
    """The frame could not be analysed; the session goes on unless the code is CONNECTION_LOST."""

    code: FailureCode
    message: str


@dataclass(frozen=True)
class ServerEvent:
    """Told by the server: draining, a guard that froze adaptation, an evicted state, another provider."""

    kind: EventKind
    text: str
    #: The sequence number of the first frame it concerns.
    sequence: int
    message: v1.SessionEvent


@dataclass(frozen=True)
class Disconnected:
    """The connection broke; the session tries to go on with another. `Resumed` follows, or its end."""

    reason: str
    #: Seconds for which it tries.
    window: float


@dataclass(frozen=True)
class Resumed:
    """The session goes on where it was: no frame was lost, none is answered twice."""

    #: Seconds without a connection.
    outage: float
    #: Frames that the server had not received.
    frames_sent_again: int


def to_state(message: v1.AdaptationState) -> AdaptationState:
    return AdaptationState(message.step, message.hash.hex(), message.drift, message.frozen, message.last_loss)


def to_analysis(result: v1.FrameResult) -> Analysis:
    return Analysis(
        score=result.score,
        verdict=Verdict(result.verdict),
        thresholds=(result.thresholds.low, result.thresholds.high),
        mask=Mask(result.mask) if result.HasField("mask") else None,
        mask_omission=MaskOmission(result.mask_omission),
        mask_agreement=MaskAgreement(result.mask_agreement),
        regions=tuple(Region(Box(r.box.x, r.box.y, r.box.width, r.box.height), r.area, r.mean) for r in result.regions),
        notes=tuple(Note(NoteCode(note.code), note.message) for note in result.notes),
        economies=tuple(Economy(economy) for economy in result.economies),
        width=result.width,
        height=result.height,
        orientation=result.orientation,
        sha256=result.sha256.hex(),
        provider=result.execution.provider,
        precision=result.execution.precision,
        adaptation=to_state(result.adaptation) if result.HasField("adaptation") else None,
        base_mask=Mask(result.base_mask) if result.HasField("base_mask") else None,
        mask_disagreement=result.mask_disagreement,
        tiles=_to_tiles(result.tiles) if result.HasField("tiles") else None,
        explanation=tuple(Sentence(_code_of(sentence.code), sentence.text, dict(sentence.numbers)) for sentence in result.explanation),
        receipt=result.receipt,
        over_time=_to_over_time(result.temporal) if result.HasField("temporal") else None,
        provenance=result.provenance if result.HasField("provenance") else None,
        message=result,
    )


def _code_of(code: int) -> str:
    if code not in v1.ExplanationCode.values():
        return str(code)
    name: str = v1.ExplanationCode.Name(v1.ExplanationCode.ValueType(code))
    return name.removeprefix("EXPLANATION_CODE_")


def _to_tiles(tiles: v1.TileReport) -> TileReport:
    box = tiles.peak.box
    peak = TilePeak(tiles.peak.score, Box(box.x, box.y, box.width, box.height))
    pooled = tiles.window
    window = TileWindow(pooled.frames, pooled.size, pooled.fresh, pooled.masked, pooled.peak_age) if tiles.HasField("window") else None
    return TileReport(tiles.analysed, tiles.total, tiles.step, tiles.whole_picture_run, peak, window)


def _to_over_time(temporal: v1.TemporalVerdict) -> VerdictOverTime:
    verdict = Verdict(temporal.verdict)
    since = temporal.since_sequence if verdict is Verdict.MANIPULATED else None
    return VerdictOverTime(verdict, temporal.score, temporal.frames, temporal.counted, temporal.scene, since)


def _read_png(data: bytes) -> npt.NDArray[np.uint8]:
    try:
        from PIL import Image
    except ImportError:
        try:
            import cv2
        except ImportError:
            raise ImportError("reading a PNG mask needs Pillow or OpenCV: pip install loupe-grpc[png], or ask for RLE masks") from None
        pixels = cv2.imdecode(np.frombuffer(data, dtype=np.uint8), cv2.IMREAD_GRAYSCALE)
        if pixels is None:
            raise ValueError("the mask is no PNG")
        return pixels  # type: ignore[no-any-return]
    with Image.open(io.BytesIO(data)) as picture:
        return np.asarray(picture.convert("L"), dtype=np.uint8)
