"""Means over any axes, kept and dropped."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from edgeq.ops.mean import MeanAttrs

from ..graphs import Case, activation_input, constant, one_node, quant
from ..one_op import options as table

_AXES = [
    ((1, 6, 7, 5), (1, 2)),
    ((1, 6, 7, 5), (2, 1)),
    ((2, 3, 4, 5), (-1,)),
    ((2, 3, 5), (0, 2)),
    ((4, 6), (0, 1)),
    ((1, 13), (1,)),
    ((2, 3, 4, 5), (0, -3, 3)),
]


def options(attrs: MeanAttrs) -> Any:
    return table("ReducerOptions", keepDims=attrs.keep_dims)


def cases(rng: np.random.Generator) -> Iterator[Case]:
    turn = 0
    while True:
        for shape, axes in _AXES:
            x = activation_input("x", shape, quant(rng))
            axis = constant("axis", np.array(axes, np.int32))
            output = x.quant if turn % 3 == 0 else quant(rng, float(x.quant.scale[0]) / 2)
            yield one_node(rng, "MEAN", [x, axis], output, MeanAttrs(keep_dims=turn % 2 == 0))
            turn += 1
        turn += 1  # other combinations in the next round
