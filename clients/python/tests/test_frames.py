from __future__ import annotations

import pathlib
from typing import Any

import numpy as np
import pytest

import loupe_grpc
from loupe_grpc import _frames
from loupe_grpc.v1 import PixelFormat


@pytest.mark.parametrize("shape, expected", [((4, 6), "GRAY8"), ((4, 6, 1), "GRAY8"), ((4, 6, 3), "BGR24"), ((4, 6, 4), "BGRA32")])
def test_arrays_go_as_raw_pixels(shape: tuple[int, ...], expected: str) -> None:
    pixels = np.arange(np.prod(shape), dtype=np.uint8).reshape(shape)
    raw = _frames.to_message(_frames.read(pixels))["raw"]
    assert raw.data == pixels.tobytes()
    assert (PixelFormat.Name(raw.format.pixel_format), raw.format.width, raw.format.height) == (f"PIXEL_FORMAT_{expected}", 6, 4)


def test_views_of_arrays_go_as_they_look() -> None:
    pixels = np.arange(8 * 8 * 3, dtype=np.uint8).reshape(8, 8, 3)
    view = pixels[1:5, ::-1]
    picture = _frames.read(view)
    assert isinstance(picture, loupe_grpc.Raw)
    assert picture.data == np.ascontiguousarray(view).tobytes()


@pytest.mark.parametrize("pixels", [np.zeros((4, 4), np.uint16), np.zeros((4, 4, 2), np.uint8), np.zeros((0, 4), np.uint8), np.zeros(4, np.uint8)])
def test_arrays_that_are_no_pictures_are_refused(pixels: Any) -> None:
    with pytest.raises(ValueError):
        _frames.read(pixels)


def test_files_and_bytes_go_as_they_are(tmp_path: pathlib.Path) -> None:
    file = tmp_path / "a.jpg"
    file.write_bytes(b"abc")
    for image in (str(file), file, b"abc", bytearray(b"abc"), memoryview(b"abc")):
        assert _frames.read(image) == loupe_grpc.Encoded(b"abc")
    with pytest.raises(OSError):
        _frames.read(tmp_path / "missing.jpg")
    with pytest.raises(TypeError):
        _frames.read(3.5)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "address, target",
    [
        ("http://127.0.0.1:5005", "127.0.0.1:5005"),
        ("http://[::1]:5005", "[::1]:5005"),
        ("https://host", "host:443"),
        ("unix:/run/loupe.sock", "unix:/run/loupe.sock"),
    ],
)
def test_addresses(address: str, target: str) -> None:
    assert loupe_grpc.ClientOptions(address).target() == target


@pytest.mark.parametrize(
    "options",
    [
        {"address": "127.0.0.1:5005"},
        {"address": "ftp://host"},
        {"ca": "ca.pem"},
        {"address": "https://host", "certificate": "me.pem"},
        {"max_response_bytes": 1},
        {"connect_timeout": -1},
    ],
)
def test_options_that_make_no_sense_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        loupe_grpc.ClientOptions(**options)


def test_a_key_is_not_shown() -> None:
    assert "secret" not in repr(loupe_grpc.ClientOptions(key="secret", headers={"x": "secret"}))
