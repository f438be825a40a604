"""Cases of the operators on bools."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from edgeq.ir import DType, Tensor
from edgeq.ops import find_op

from .graphs import Case, constant, one_node, random_values

_SHAPES = [((2, 3, 4), (2, 3, 4)), ((1, 3, 4), (4,)), ((5,), ()), ((2, 1, 1, 6), (1, 4, 3, 1))]


def cases_of(op: str, count: int, attrs: Any) -> Callable[[np.random.Generator], Iterator[Case]]:
    """`count` operands, broadcast, now and then one of them a constant."""

    def cases(rng: np.random.Generator) -> Iterator[Case]:
        while True:
            for shapes in _SHAPES:
                operands = [Tensor(name, shape, DType.BOOL) for name, shape in zip("ab", shapes, strict=True)][:count]
                if count == 2 and rng.random() < 0.3:
                    operands[1] = constant("b", random_values(rng, shapes[1], DType.BOOL))
                yield one_node(rng, op, operands, None, attrs, find_op(op).dtypes[0])

    return cases
