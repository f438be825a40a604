"""Cases of ARG_MAX and ARG_MIN."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from edgeq.ir import DType
from edgeq.ops.arg_extreme import ArgExtremeAttrs

from .graphs import Case, activation_input, constant, one_node, quant, shape_of


def cases_of(op: str) -> Callable[[np.random.Generator], Iterator[Case]]:
    """Any axis; some with so few values that several are the extreme."""

    def cases(rng: np.random.Generator) -> Iterator[Case]:
        while True:
            for rank in (2, 4, 1, 3):
                for to in (DType.INT32, DType.INT64):
                    shape = tuple(d + 3 for d in shape_of(rng, rank))
                    x = activation_input("x", shape, quant(rng))
                    axis = constant("axis", np.int32([rng.integers(-rank, rank)]))
                    case = one_node(rng, op, [x, axis], None, ArgExtremeAttrs(to), to)
                    if rng.random() < 0.5:
                        case = Case(op, case.graph, tuple(x // np.int8(50) for x in case.inputs))
                    yield case

    return cases
