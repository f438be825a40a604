"""Depthwise convolutions of one channel compute the same as ordinary convolutions, to the bit."""

from __future__ import annotations

import numpy as np
import pytest

from edgeq.ir import DType, Graph, Node, QuantParams, Tensor, verify_graph
from edgeq.lower import lower
from edgeq.ops import Activation, find_op
from edgeq.ops.depthwise_conv_2d import DepthwiseConv2DAttrs
from edgeq.ops.spatial import Padding
from edgeq.passes.single_channel import convolve_single_channel
from edgeq.simulate import simulate
from edgeq.target import load_board
from edgeq.verify import random_vectors

CPU = load_board("mps2-an386").soc.cpu


def layer(
    seed: int, *, channels: int = 1, multiplier: int = 6, per_channel: bool = True, with_bias: bool = True
) -> Graph:
    rng = np.random.default_rng(seed)
    kernel = tuple(int(k) for k in rng.integers(1, 6, 2))
    dilation = tuple(int(d) for d in rng.integers(1, 3, 2))
    stride = (1, 1) if max(dilation) > 1 else tuple(int(s) for s in rng.integers(1, 3, 2))
    padding = Padding.SAME if seed % 2 else Padding.VALID
    attrs = DepthwiseConv2DAttrs(
        stride, dilation, padding, multiplier, Activation.RELU if seed % 3 else Activation.NONE
    )
    outputs = channels * multiplier
    count, axis = (outputs, 3) if per_channel else (1, None)
    scales = rng.uniform(0.001, 0.01, count).astype(np.float32)
    x = Tensor("x", (1, 12, 13, channels), DType.INT8, QuantParams([0.04], [int(rng.integers(-128, 128))]))
    values = rng.integers(-127, 128, (1, *kernel, outputs)).astype(np.int8)
    operands = [x, Tensor("w", values.shape, DType.INT8, QuantParams(scales, np.zeros(count), axis), values)]
    if with_bias:
        quant = QuantParams(np.float32(0.04) * scales, np.zeros(count), None if axis is None else 0)
        operands.append(
            Tensor("b", (outputs,), DType.INT32, quant, rng.integers(-3000, 3000, outputs).astype(np.int32))
        )
    (shape,) = find_op("DEPTHWISE_CONV_2D").infer(attrs, *operands)
    y = Tensor("y", shape, DType.INT8, QuantParams([0.03], [int(rng.integers(-128, 128))]))
    node = Node("DEPTHWISE_CONV_2D", tuple(t.name for t in operands), ("y",), attrs, "layer")
    graph = Graph("net", {t.name: t for t in (*operands, y)}, (node,), ("x",), ("y",))
    return verify_graph(graph, "test")


@pytest.mark.parametrize("seed", range(24))
def test_outputs_stay_the_same(seed: int) -> None:
    before = layer(seed, per_channel=seed % 4 != 3, with_bias=seed % 5 != 4)
    after = verify_graph(convolve_single_channel(before), "pass")
    assert [node.op for node in after.nodes] == ["CONV_2D"]
    old, new = lower(before, CPU), lower(after, CPU)
    vectors = random_vectors(old, 8)
    np.testing.assert_array_equal(simulate(new, vectors)[0], simulate(old, vectors)[0])
    assert new.calls[0].macs == old.calls[0].macs
    assert new.calls[0].accumulator_bound == old.calls[0].accumulator_bound


@pytest.mark.parametrize("shape", [{"channels": 2, "multiplier": 3}, {"multiplier": 1}])
def test_others_stay_depthwise(shape: dict[str, int]) -> None:
    assert [node.op for node in convolve_single_channel(layer(1, **shape)).nodes] == ["DEPTHWISE_CONV_2D"]
