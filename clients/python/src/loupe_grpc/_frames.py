"""What goes in: files, bytes, NumPy arrays as OpenCV has them, raw planes."""

from __future__ import annotations

import datetime
import enum
import os
import pathlib
from dataclasses import dataclass
from typing import Any, Sequence, Union

import numpy as np
import numpy.typing as npt

from loupe_grpc import v1


class PixelFormat(enum.IntEnum):
    """Layouts of raw pixels, 8 bits a sample."""

    BGR24 = v1.PixelFormat.PIXEL_FORMAT_BGR24
    RGB24 = v1.PixelFormat.PIXEL_FORMAT_RGB24
    BGRA32 = v1.PixelFormat.PIXEL_FORMAT_BGRA32
    GRAY8 = v1.PixelFormat.PIXEL_FORMAT_GRAY8
    NV12 = v1.PixelFormat.PIXEL_FORMAT_NV12
    I420 = v1.PixelFormat.PIXEL_FORMAT_I420
    YUYV = v1.PixelFormat.PIXEL_FORMAT_YUYV


class YuvMatrix(enum.IntEnum):
    """Luma coefficients of NV12, I420 and YUYV."""

    BT601 = v1.YuvMatrix.YUV_MATRIX_BT601
    BT709 = v1.YuvMatrix.YUV_MATRIX_BT709


class YuvRange(enum.IntEnum):
    """Range of the samples of NV12, I420 and YUYV."""

    LIMITED = v1.YuvRange.YUV_RANGE_LIMITED
    FULL = v1.YuvRange.YUV_RANGE_FULL


@dataclass(frozen=True)
class FrameFormat:
    """How pixels lie in memory."""

    pixel_format: PixelFormat
    width: int
    height: int
    #: Bytes from one row to the next, one number a plane. Default: no padding.
    strides: Sequence[int] = ()
    matrix: YuvMatrix = YuvMatrix.BT601
    range: YuvRange = YuvRange.LIMITED

    def to_message(self) -> v1.FrameFormat:
        return v1.FrameFormat(
            pixel_format=int(self.pixel_format),  # type: ignore[arg-type]
            width=self.width,
            height=self.height,
            strides=self.strides,
            yuv_matrix=int(self.matrix),  # type: ignore[arg-type]
            yuv_range=int(self.range),  # type: ignore[arg-type]
        )


@dataclass(frozen=True)
class Encoded:
    """A picture file, whole: JPEG, PNG, WebP, BMP, TIFF, and HEIC and AVIF where the server has them."""

    data: bytes


@dataclass(frozen=True)
class Raw:
    """Uncompressed pixels: the planes one behind the other, each of its stride times its rows."""

    data: bytes
    #: Default: the session's `frame_format`.
    format: FrameFormat | None = None


#: A path (str or PathLike), a file's bytes, an array of 8-bit samples ([height, width] gray, [height, width, 3] BGR, [height, width, 4] BGRA, as
#: OpenCV has them), or one of the two above.
Image = Union[str, "os.PathLike[str]", bytes, bytearray, memoryview, npt.NDArray[np.uint8], Encoded, Raw]


@dataclass(frozen=True)
class Frame:
    """A picture with what the session is to know about it."""

    image: Image
    #: The caller's own number, echoed. Any 64 bits; duplicates are allowed. Default: how many frames the session was given before.
    frame_id: int | None = None
    #: When it was taken, for the summary's timeline. Without a time zone: the local one.
    capture_time: datetime.datetime | None = None
    #: Seconds after its receipt for which the outcome is of use; later it is `Expired`. Default: for ever.
    deadline: float | None = None


def read(image: Image) -> Encoded | Raw:
    """The bytes of a picture. OSError where a file cannot be read; TypeError and ValueError for what is no picture of ours."""
    if isinstance(image, (Encoded, Raw)):
        return image
    if isinstance(image, (bytes, bytearray, memoryview)):
        return Encoded(bytes(image))
    if isinstance(image, (str, os.PathLike)):
        return Encoded(pathlib.Path(image).read_bytes())
    if isinstance(image, np.ndarray):
        return _of_array(image)
    raise TypeError(f"a picture is a path, bytes, an array, Encoded or Raw, not {type(image).__name__}")


def to_message(picture: Encoded | Raw) -> dict[str, Any]:
    """The field of `v1.Frame` and `v1.AnalyzeImageRequest`."""
    if isinstance(picture, Encoded):
        return {"encoded": v1.EncodedImage(data=picture.data)}
    return {"raw": v1.RawImage(data=picture.data, format=picture.format.to_message() if picture.format else None)}


def _of_array(pixels: npt.NDArray[Any]) -> Raw:
    if pixels.dtype != np.uint8:
        raise ValueError(f"pixels are 8 bits a sample (uint8); this array has {pixels.dtype}")
    formats = {1: PixelFormat.GRAY8, 3: PixelFormat.BGR24, 4: PixelFormat.BGRA32}
    channels = 1 if pixels.ndim == 2 else pixels.shape[2] if pixels.ndim == 3 else 0
    if channels not in formats or pixels.size == 0:
        raise ValueError(f"an array of shape {pixels.shape} is no picture: [height, width], [height, width, 3] or [height, width, 4]")
    return Raw(pixels.tobytes(), FrameFormat(formats[channels], pixels.shape[1], pixels.shape[0]))
