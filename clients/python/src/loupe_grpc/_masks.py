"""Masks in COCO's run-length encoding, byte-identical to pycocotools, as NumPy arrays and back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

#: Most pixels of a mask that is decoded; a size in a message costs nothing to write.
MAX_PIXELS = 1 << 31
#: Characters of the longest number that fits 64 bits.
_MAX_CHARACTERS = 12


class Box(NamedTuple):
    """A rectangle in pixels of the stored picture."""

    x: int
    y: int
    width: int
    height: int


@dataclass(frozen=True)
class RleMask:
    """A mask as COCO's compressed run lengths: column by column, the first run of zeros."""

    height: int
    width: int
    counts: str

    def bitmap(self) -> npt.NDArray[np.bool_]:
        """[height, width], True where forged. ValueError where the runs do not fill the picture exactly, or are none."""
        runs = self.runs()
        forged = np.zeros(len(runs), dtype=np.bool_)
        forged[1::2] = True
        return np.repeat(forged, runs).reshape(self.width, self.height).T

    def runs(self) -> npt.NDArray[np.int64]:
        """Lengths of the runs, the first of zeros. ValueError as in :meth:`bitmap`."""
        total = self.height * self.width
        if self.height < 0 or self.width < 0 or total > MAX_PIXELS:
            raise ValueError(f"a mask of {self.width}x{self.height} pixels is too large to decode")
        runs: list[int] = []
        left = total
        for number in _numbers(self.counts):
            length = number + runs[-2] if len(runs) > 2 else number
            if not 0 <= length <= left:
                raise ValueError(f"run {len(runs)} of the mask has {length} pixels, {left} are left of {self.width}x{self.height}")
            left -= length
            runs.append(length)
        if left:
            raise ValueError(f"the runs of the mask end after {total - left} of {self.width}x{self.height} pixels")
        return np.array(runs, dtype=np.int64)

    @property
    def area(self) -> int:
        """Forged pixels."""
        return int(self.runs()[1::2].sum())

    @property
    def box(self) -> Box:
        """The smallest box around the forged pixels; all 0 where there are none."""
        ends = np.cumsum(self.runs())
        starts, ends = ends[:-1:2], ends[1::2]
        filled = ends > starts
        starts, last = starts[filled], ends[filled] - 1
        if len(starts) == 0:
            return Box(0, 0, 0, 0)
        left, right = int(starts[0]) // self.height, int(last[-1]) // self.height
        # A run that goes on into the next column touches both the bottom and the top.
        wraps = bool(np.any(starts // self.height != last // self.height))
        top, bottom = (0, self.height - 1) if wraps else (int((starts % self.height).min()), int((last % self.height).max()))
        return Box(left, top, right - left + 1, bottom - top + 1)

    @classmethod
    def encode(cls, bitmap: npt.ArrayLike) -> RleMask:
        """From [height, width], forged where not 0."""
        pixels = np.asarray(bitmap)
        if pixels.ndim != 2:
            raise ValueError(f"a mask has two axes, height and width; this has {pixels.ndim}")
        flat = (pixels != 0).ravel(order="F")
        changes = np.flatnonzero(flat[1:] != flat[:-1]) + 1
        runs: list[int] = np.diff(changes, prepend=0, append=flat.size).tolist()
        if flat.size and flat[0]:
            runs.insert(0, 0)
        return cls(pixels.shape[0], pixels.shape[1], _characters(runs))


def _numbers(counts: str) -> list[int]:
    numbers: list[int] = []
    value = shift = 0
    for character in counts:
        bits = ord(character) - 48
        if not 0 <= bits <= 63:
            raise ValueError(f"U+{ord(character):04X} is not a character of run lengths")
        value |= (bits & 0x1F) << shift
        shift += 5
        if bits & 0x20:
            if shift == 5 * _MAX_CHARACTERS:
                raise ValueError("a run length does not fit 60 bits")
            continue
        numbers.append(value - (1 << shift) if bits & 0x10 else value)
        value = shift = 0
    if shift:
        raise ValueError("the run lengths stop in the middle of a number")
    return numbers


def _characters(runs: list[int]) -> str:
    characters: list[str] = []
    for index, run in enumerate(runs):
        number = run - runs[index - 2] if index > 2 else run
        while True:
            bits = number & 0x1F
            number >>= 5
            # Done where the sign is told by the last five bits.
            more = number != (-1 if bits & 0x10 else 0)
            characters.append(chr((bits | 0x20 if more else bits) + 48))
            if not more:
                break
    return "".join(characters)
