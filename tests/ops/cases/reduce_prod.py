"""Products of a few elements over any axes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from edgeq.ir import QuantParams
from edgeq.ops.mean import MeanAttrs

from ..graphs import Case, activation_input, constant, one_node, quant
from ..one_op import options as table

_AXES = [
    ((1, 2, 3, 5), (1,)),
    ((2, 3, 4, 3), (-1,)),
    ((2, 3, 2), (0, 2)),
    ((2, 2), (0, 1)),
    ((1, 9), (0,)),
    ((2, 4), (1,)),
]


def options(attrs: MeanAttrs) -> Any:
    return table("ReducerOptions", keepDims=attrs.keep_dims)


def cases(rng: np.random.Generator) -> Iterator[Case]:
    turn = 0
    while True:
        for shape, axes in _AXES:
            x = activation_input("x", shape, quant(rng, 0.02))
            count = int(np.prod([shape[a] for a in axes]))
            axis = constant("axis", np.array(axes, np.int32))
            output = QuantParams(
                [_scale(float(x.quant.scale[0]) * 70, count, rng) / 60], [int(rng.integers(-128, 128))]
            )
            yield one_node(rng, "REDUCE_PROD", [x, axis], output, MeanAttrs(keep_dims=turn % 2 == 0))
            turn += 1
        turn += 1  # other combinations in the next round


def _scale(typical: float, count: int, rng: np.random.Generator) -> float:
    """About the product of so many typical elements."""
    return typical**count * 2.0 ** rng.uniform(-1, 1)
