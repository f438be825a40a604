"""What a layer's weights are multiplied with, a row for each result: the quadratic form of rounding errors."""

from __future__ import annotations

import numpy as np

from edgeq.ops.spatial import output_size, pad_before, windows
from edgeq.quant.imitation import Layer

#: Rows that are looked at, at most, evenly thinned.
MAX_ROWS = 1 << 14


def input_rows(layer: Layer) -> list[np.ndarray]:
    """For each group of output channels that read the same inputs, in order, float64 (rows, weights of a result); their
    distance from the mean where bias correction takes the mean's share away."""
    x = layer.rounded[layer.integer.inputs[layer.rule.input]]
    weights = layer.quantized.tensors[layer.integer.inputs[layer.rule.weight]]
    attrs, centred = layer.integer.attrs, layer.scheme.bias_correction
    if layer.integer.op == "FULLY_CONNECTED":
        return [_some(x.reshape(-1, weights.shape[1]), centred)]
    images = x.reshape((-1,) + x.shape[2:])
    kernel = weights.shape[1:3]
    out = output_size(images.shape[1:3], kernel, attrs.stride, attrs.dilation, attrs.padding)
    pad = pad_before(images.shape[1:3], out, kernel, attrs.stride, attrs.dilation)
    view = windows(images, kernel, attrs.stride, attrs.dilation, pad, out, 0.0)
    depth = 1 if layer.integer.op == "DEPTHWISE_CONV_2D" else weights.shape[3]
    starts = range(0, images.shape[3], depth)
    return [_some(_rows(view[..., c : c + depth]), centred) for c in starts]


def _rows(view: np.ndarray) -> np.ndarray:
    """The windows (n, out_h, out_w, kernel_h, kernel_w, c), one per row, evenly thinned to MAX_ROWS."""
    n, height, width = view.shape[:3]
    some = np.linspace(0, n * height * width - 1, min(n * height * width, MAX_ROWS)).astype(int)
    return view[np.unravel_index(some, (n, height, width))].reshape(len(some), -1)


def _some(rows: np.ndarray, centred: bool) -> np.ndarray:
    some = rows[np.linspace(0, len(rows) - 1, min(len(rows), MAX_ROWS)).astype(int)].astype(np.float64)
    return some - some.mean(axis=0) if centred else some
