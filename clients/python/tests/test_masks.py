from __future__ import annotations

import base64
import json
from typing import Any

import numpy as np
import pytest
from conftest import ROOT

import loupe_grpc
from loupe_grpc import v1

CASES = json.loads((ROOT / "tests/data/rle/cases.json").read_text())
REFUSED = json.loads((ROOT / "clients/scenario/refused-masks.json").read_text())


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_decodes_and_encodes_as_pycocotools(case: dict[str, Any]) -> None:
    mask = loupe_grpc.RleMask(case["height"], case["width"], case["counts"])
    packed = np.frombuffer(base64.b64decode(case["bits"]), dtype=np.uint8)
    bitmap = np.unpackbits(packed)[: mask.height * mask.width].reshape(mask.height, mask.width)
    assert np.array_equal(mask.bitmap(), bitmap)
    assert mask.area == case["area"]
    assert list(mask.box) == case["bbox"]
    assert loupe_grpc.RleMask.encode(bitmap) == mask


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: case["name"])
def test_refuses_what_is_no_mask(case: dict[str, Any]) -> None:
    mask = loupe_grpc.RleMask(case["height"], case["width"], case["counts"])
    with pytest.raises(ValueError):
        mask.bitmap()
    with pytest.raises(ValueError):
        mask.area


def test_encodes_what_is_not_0_and_not_bool() -> None:
    assert loupe_grpc.RleMask.encode(np.array([[0, 255], [7, 0]], dtype=np.uint8)) == loupe_grpc.RleMask.encode([[False, True], [True, False]])
    with pytest.raises(ValueError, match="two axes"):
        loupe_grpc.RleMask.encode(np.zeros((2, 2, 3)))


def test_a_png_mask_is_read() -> None:
    cv2 = pytest.importorskip("cv2")
    soft = np.array([[0, 127, 128], [255, 3, 200]], dtype=np.uint8)
    mask = loupe_grpc.Mask(v1.Mask(soft_png=cv2.imencode(".png", soft)[1].tobytes(), area=3))
    assert np.array_equal(mask.soft(), soft)
    assert mask.bitmap().tolist() == [[False, False, True], [True, False, True]]
    assert mask.box == (0, 0, 3, 2)
    assert mask.rle is None


def test_a_mask_of_a_kind_to_come_is_said_to_be() -> None:
    with pytest.raises(ValueError, match="does not know"):
        loupe_grpc.Mask(v1.Mask(area=3)).bitmap()
    with pytest.raises(ValueError, match=r"\[height, width\]"):
        loupe_grpc.Mask(v1.Mask(rle=v1.CocoRle(size=[3], counts="3"))).bitmap()
