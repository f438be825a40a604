"""Weights with zero points or blocks: results are those of the arithmetic as it is written down, block by block.

That the C equals the simulator is tested with all other formats, in test_firmware.py; the zero point of a whole dense
layer, which TFLite has, in test_conformance.py.
"""

from __future__ import annotations

import numpy as np
import pytest

from edgeq.errors import ModelError, QuantizationError
from edgeq.exporters.tflite import export_tflite
from edgeq.fixedpoint import Dialect, requantize
from edgeq.ir import Blocks, DType, QuantParams
from edgeq.kernels.blocks import packed_blocks
from edgeq.ops import find_op
from edgeq.ops.conv_2d import Conv2DAttrs
from edgeq.ops.spatial import output_size, pad_before

from .cases import cases_of
from .formats import Finer
from .graphs import Case
from .test_conformance import simulate

OPS = ("CONV_2D", "FULLY_CONNECTED")


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


@pytest.mark.parametrize("kind", Finer)
@pytest.mark.parametrize("op", OPS)
def test_results_are_sums_of_blocks(op, kind, case_count):
    for case in cases_of(op, 5, case_count, kind):
        np.testing.assert_array_equal(simulate(case.graph, case.inputs)[0], by_blocks(case), err_msg=str(case))


@pytest.mark.parametrize("kind", Finer)
@pytest.mark.parametrize("op", OPS)
def test_the_bound_holds_for_every_partial_sum(op, kind):
    """Of the block's sum and the minimum's share, in their order, for the inputs that drive them farthest."""
    for case in cases_of(op, 6, 8, kind):
        (node,) = case.graph.nodes
        lowered = find_op(op).lower(node, case.graph, Dialect.DOUBLE)
        p = lowered.params
        reach = max(abs(-128 + p.input_offset), abs(127 + p.input_offset))
        codes = np.abs(p.weights.reshape(len(p.weights), -1).astype(np.int64))
        worst = 0
        for o in range(len(codes)):
            total = abs(int(p.bias[o]))
            for block, start in enumerate(range(0, codes.shape[1], p.block_size)):
                here = codes[o, start : start + p.block_size]
                total += abs(int(p.block_scales[o, block])) * int(here.sum()) * reach
                total += abs(int(p.block_minima[o, block])) * len(here) * reach
            worst = max(worst, total)
        assert worst <= lowered.accumulator_bound < 2**31


@pytest.mark.parametrize("kind", Finer)
@pytest.mark.parametrize("op", OPS)
def test_what_tflite_cannot_express_is_not_written(op, kind):
    (case,) = cases_of(op, 7, 1, kind)
    with pytest.raises(ModelError, match="blocks|zero point"):
        export_tflite(case.graph)


@pytest.mark.parametrize(("bits", "count"), [(8, 4), (8, 30), (4, 8), (4, 41)])
def test_packing_loses_nothing(bits, count):
    """Read as edgeq_blocks.h reads it."""
    low, high = (DType.INT8 if bits == 8 else DType.INT4).range
    codes = np.random.default_rng(bits).integers(low, high, (3, count), np.int8, endpoint=True)
    packed = packed_blocks(codes, bits).view(np.uint8)
    if bits == 8:
        found = packed.reshape(3, -1, 4)[..., [0, 2, 1, 3]].reshape(3, -1).view(np.int8)
    else:
        halves = np.stack([packed & 15, packed >> 4], axis=-1).reshape(3, -1, 8)
        found = (halves[..., [0, 4, 1, 5, 2, 6, 3, 7]].astype(np.int8) - 8).reshape(3, -1)
    assert packed.shape[1] * 8 == -(-count // (32 // bits)) * 32
    np.testing.assert_array_equal(found[:, :count], codes)
    assert not found[:, count:].any()


def test_blocks_that_do_not_fit_are_refused():
    with pytest.raises(ModelError, match="do not fit together"):
        Blocks(32, np.ones((2, 3)), np.ones((2, 2)))
    with pytest.raises(ModelError, match="no zero points"):
        QuantParams([1.0, 1.0], [0, 1], 0, Blocks(32, np.ones((2, 1))))
    with pytest.raises(ModelError, match="3 blocks of 32 do not hold 64"):
        QuantParams([1.0, 1.0], [0, 0], 0, Blocks(32, np.ones((2, 3)))).units(np.zeros((2, 64), np.int8))


def test_other_operators_refuse_them():
    (case,) = cases_of("DEPTHWISE_CONV_2D", 8, 1)
    w = case.graph.tensors["w"]
    zeros = QuantParams(w.quant.scale, np.ones(w.quant.scale.size), w.quant.axis)
    graph = case.graph.rewrite(tensors=[type(w)(w.name, w.shape, w.dtype, zeros, w.data)])
    with pytest.raises(QuantizationError, match="zero point other than 0"):
        find_op("DEPTHWISE_CONV_2D").lower(graph.nodes[0], graph, Dialect.DOUBLE)
