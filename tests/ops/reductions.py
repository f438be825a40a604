"""Cases of REDUCE_MAX and REDUCE_MIN."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from edgeq.ir import DType, Tensor
from edgeq.ops.reduce_extreme import ReduceAttrs

from .graphs import Case, activation_input, constant, one_node, quant

_AXES = [
    ((1, 6, 7, 5), (1, 2)),
    ((2, 3, 4, 5), (-1,)),
    ((2, 3, 5), (0, 2)),
    ((4, 6), (0, 1)),
    ((1, 13), (1,)),
    ((2, 3, 4, 5), (0, -3, 3)),
]


def cases_of(op: str) -> Callable[[np.random.Generator], Iterator[Case]]:
    """Reductions of few elements: of many, all would be an end of the range."""

    def cases(rng: np.random.Generator) -> Iterator[Case]:
        turn = 0
        while True:
            for shape, axes in _AXES:
                x = activation_input("x", shape, quant(rng))
                axis = constant("axis", np.array(axes, np.int32))
                case = one_node(rng, op, [x, axis], x.quant, ReduceAttrs(keep_dims=turn % 2 == 0))
                yield Case(op, case.graph, tuple(rng.integers(-120, 120, a.shape).astype(np.int8) for a in case.inputs))
                turn += 1
            turn += 1

    return cases


def bool_cases(rng: np.random.Generator, op: str, *, usual: bool) -> Iterator[Case]:
    """Bools of which most are the usual one: few others decide."""
    while True:
        for shape, axes in _AXES:
            axis = constant("axis", np.array(axes, np.int32))
            attrs = ReduceAttrs(keep_dims=bool(rng.integers(2)))
            case = one_node(rng, op, [Tensor("x", shape, DType.BOOL), axis], None, attrs, DType.BOOL)
            rare = 1 / np.prod([shape[a] for a in axes])
            yield Case(op, case.graph, tuple((rng.random(x.shape) < rare) != usual for x in case.inputs))
