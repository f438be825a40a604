"""Blocks and sums in fixed steps, from nothing left of them to all saturated."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from edgeq.ir import DType, QuantParams, Tensor
from edgeq.ops import Activation
from edgeq.ops.dynamic_quantize import DynamicQuantizeAttrs

from ..blocks import block, meant, one_of_blocks, random_ranges, random_scales, range_of, scale, spread
from ..graphs import Case, shape_of

#: Half a step.
BOUND = 0.5001
STEPS = {DType.INT16: 2.0**-8, DType.INT32: 2.0**-16}


def cases(rng: np.random.Generator) -> Iterator[Case]:
    while True:
        for activation in (Activation.NONE, Activation.RELU6, Activation.RELU, Activation.RELU_N1_TO_1):
            for of_block in (True, False):
                for wanted in STEPS:
                    yield _case(rng, activation, of_block, wanted)


def _case(rng: np.random.Generator, activation: Activation, of_block: bool, wanted: DType) -> Case:
    shape = shape_of(rng, int(rng.integers(1, 5)))
    operands = [block("x", shape), range_of("x_range")] if of_block else [Tensor("x", shape, DType.INT32), scale("s")]
    y = Tensor("y", shape, wanted, QuantParams([STEPS[wanted]], [0]))
    case = one_of_blocks(rng, "DYNAMIC_DEQUANTIZE", operands, [y], DynamicQuantizeAttrs(activation))
    if of_block:
        return Case(case.op, case.graph, (case.inputs[0], random_ranges(rng, 0.05)))
    sums = np.clip(case.inputs[0], -(1 << 30), 1 << 30)
    return Case(case.op, case.graph, (sums, random_scales(rng, 2.0**-25)))


def distances(case: Case, found: list[np.ndarray]) -> list[float]:
    (node,) = case.graph.nodes
    (y,) = found
    result = case.graph.tensors["y"]
    step = result.quant.per_tensor[0]
    x = meant(*case.inputs)
    exact = np.clip(x, *node.attrs.activation.bounds)
    errors = np.abs(y - np.clip(exact / step, *result.dtype.range))
    # bounds are rounded to steps of the operand: that counts where these are coarser than the result's
    slack = spread(case.inputs[1], y) / step * (x != exact)
    return [float((errors - slack / 2).max())]
