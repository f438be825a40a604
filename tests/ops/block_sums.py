"""Layers whose weights have zero points or blocks, computed as their arithmetic is written down: block by block."""

from __future__ import annotations

import numpy as np

from edgeq.fixedpoint import Dialect, requantize
from edgeq.ops import find_op
from edgeq.ops.conv_2d import Conv2DAttrs
from edgeq.ops.spatial import output_size, pad_before

from .graphs import Case


def rows_of(case: Case) -> np.ndarray:
    """What each result is a sum over, less the zero point, 0 beside the image: int64 (groups, results, weights)."""
    x, w = (case.graph.tensors[name] for name in case.graph.nodes[0].inputs[:2])
    _, zero = x.quant.per_tensor
    values = case.inputs[0].astype(np.int64) - zero
    if case.op == "FULLY_CONNECTED":
        return values.reshape(1, -1, w.shape[1])
    attrs: Conv2DAttrs = case.graph.nodes[0].attrs
    images = values.reshape(-1, *x.shape[1:])
    _, kernel_h, kernel_w, depth = w.shape
    out = output_size(x.shape[1:3], (kernel_h, kernel_w), attrs.stride, attrs.dilation, attrs.padding)
    pad = pad_before(x.shape[1:3], out, (kernel_h, kernel_w), attrs.stride, attrs.dilation)
    rows = np.zeros((x.shape[3] // depth, len(images), *out, kernel_h, kernel_w, depth), np.int64)
    for oy, ox, ky, kx in np.ndindex(*out, kernel_h, kernel_w):
        iy = oy * attrs.stride[0] - pad[0] + ky * attrs.dilation[0]
        ix = ox * attrs.stride[1] - pad[1] + kx * attrs.dilation[1]
        if 0 <= iy < x.shape[1] and 0 <= ix < x.shape[2]:
            for group in range(len(rows)):
                rows[group, :, oy, ox, ky, kx] = images[:, iy, ix, group * depth : (group + 1) * depth]
    return rows.reshape(len(rows), -1, kernel_h * kernel_w * depth)


def by_blocks(case: Case) -> np.ndarray:
    """The results, summed block by block."""
    (node,) = case.graph.nodes
    w, y = case.graph.tensors[node.inputs[1]], case.graph.tensors[node.outputs[0]]
    bias = case.graph.tensors[node.inputs[2]].data if len(node.inputs) > 2 and node.inputs[2] else None
    p = find_op(case.op).lower(node, case.graph, Dialect.DOUBLE).params
    groups = rows_of(case)
    channels, results = w.shape[0], groups.shape[1]
    found = np.empty((results, channels), np.int64)
    for o in range(channels):
        x, codes = groups[o * len(groups) // channels], w.data[o].reshape(-1).astype(np.int64)
        acc = np.full(results, 0 if bias is None else int(bias[o]), np.int64)
        size = len(codes) if w.quant.blocks is None else w.quant.blocks.size
        for block, start in enumerate(range(0, len(codes), size)):
            here = slice(start, start + size)
            if w.quant.blocks is None:
                acc += x[:, here] @ (codes[here] - int(w.quant.zero_point[o]))
                continue
            acc += int(w.quant.blocks.scales[o, block]) * (x[:, here] @ codes[here])
            if w.quant.blocks.minima is not None:
                acc += int(w.quant.blocks.minima[o, block]) * x[:, here].sum(axis=1)
        found[:, o] = requantize(acc, p.multipliers[o], p.shifts[o])
    found = np.clip(found + y.quant.per_tensor[1], p.activation_min, p.activation_max)
    return found.astype(np.int8).reshape(-1, *y.shape)
