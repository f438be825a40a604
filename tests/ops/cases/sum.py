"""Sums over any axes, of few and of many elements."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from edgeq.ir import DType
from edgeq.ops.mean import MeanAttrs

from ..graphs import Case, activation_input, constant, one_node, quant
from ..one_op import options as table

# TFLite sums int16 without looking at scales
WITHOUT_REFERENCE = (DType.INT16,)

_AXES = [((1, 6, 7, 5), (1, 2)), ((2, 3, 4, 5), (-1,)), ((2, 3, 5), (0, 2)), ((4, 6), (0, 1)), ((1, 300, 9), (1,))]


def options(attrs: MeanAttrs) -> Any:
    return table("ReducerOptions", keepDims=attrs.keep_dims)


def cases(rng: np.random.Generator) -> Iterator[Case]:
    turn = 0
    while True:
        for shape, axes in _AXES:
            x = activation_input("x", shape, quant(rng))
            axis = constant("axis", np.array(axes, np.int32))
            count = np.prod([shape[a] for a in axes])
            # a power of two makes ties
            output = quant(rng, float(x.quant.scale[0] * count / 2))
            if turn % 3 == 0:
                output = type(output)(x.quant.scale * 8, output.zero_point)
            yield one_node(rng, "SUM", [x, axis], output, MeanAttrs(keep_dims=turn % 2 == 0))
            turn += 1
        turn += 1  # other combinations in the next round
