"""The model for the peer: whole, as a plain export leaves it, or the two graphs that LoupeGrpc converts it to."""

import json
import struct

import numpy as np
import onnxruntime

OUTPUTS = ["cls_logit", "mask_logits", "class_logits"]


class PlainExport:
    """One graph from pixels to all logits."""

    def __init__(self, path, options):
        self._session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        self.side = self._session.get_inputs()[0].shape[-1]

    def run(self, pixels):
        """Logits of the score [1,1], of the masks [1,Q,h,w] and of the classes [1,Q,2]."""
        return self._session.run(OUTPUTS, {"pixel_values": pixels})


class PackageGraphs:
    """The encoder and the segmentor of a package, in single precision."""

    def __init__(self, folder, options):
        self._encoder = onnxruntime.InferenceSession(folder / "fp32" / "encoder.onnx", options, providers=["CPUExecutionProvider"])
        self._segmentor = onnxruntime.InferenceSession(folder / "fp32" / "segmentor.onnx", options, providers=["CPUExecutionProvider"])
        self._adapted = {name: tensor[np.newaxis] for name, tensor in read_safetensors(folder / "theta.safetensors").items()}
        self.side = json.loads((folder / "model.json").read_text())["imageSize"]

    def run(self, pixels):
        """As PlainExport's."""
        features, cls_logit = self._encoder.run(["features", "cls_logit"], {"pixel_values": pixels})
        label = (1 / (1 + np.exp(-cls_logit[:, 0]))).astype(np.float32)
        return cls_logit, *self._segmentor.run(OUTPUTS[1:], {"features": features, "pseudo_label": label, **self._adapted})


def read_safetensors(path):
    """Tensors in single precision by name."""
    data = path.read_bytes()
    start = 8 + struct.unpack_from("<Q", data)[0]
    header = json.loads(data[8:start])
    header.pop("__metadata__", None)
    return {
        name: np.frombuffer(data, np.float32, (entry["data_offsets"][1] - entry["data_offsets"][0]) // 4, start + entry["data_offsets"][0]).reshape(
            entry["shape"]
        )
        for name, entry in header.items()
    }
