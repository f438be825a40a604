"""Weights with zero points or blocks: results are those of the arithmetic as it is written down, block by block.

That the C equals the simulator is tested with all other formats, in test_firmware.py; the zero point of a whole dense
layer, which TFLite has, in test_conformance.py.
"""

from __future__ import annotations

import numpy as np
import pytest

from edgeq.errors import ModelError, QuantizationError
from edgeq.exporters.tflite import export_tflite
from edgeq.fixedpoint import Dialect
from edgeq.ir import Blocks, DType, QuantParams
from edgeq.kernels.blocks import packed_blocks
from edgeq.ops import find_op

from .block_sums import by_blocks
from .cases import cases_of
from .formats import Finer
from .test_conformance import simulate

OPS = ("CONV_2D", "FULLY_CONNECTED")


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
