"""Conditions and operands that broadcast, some of them constant."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from edgeq.ir import DType, Tensor
from edgeq.ops.selecting import SelectAttrs

from ..graphs import Case, activation_input, constant, int8_values, one_node, quant, random_values
from ..one_op import options as table

_SHAPES = [
    ((2, 3, 4), (2, 3, 4), (2, 3, 4)),
    ((3, 1), (2, 3, 4), ()),
    ((), (5,), (5,)),
    ((4,), (1,), (2, 1)),
    ((1, 2, 1, 3), (2, 1, 4, 1), (3,)),
    ((6,), (6,), (6,)),
]


def options(attrs: SelectAttrs) -> Any:
    return table("SelectV2Options")


def cases(rng: np.random.Generator) -> Iterator[Case]:
    while True:
        for shapes in _SHAPES:
            common = quant(rng)
            operands = [
                Tensor("c", shapes[0], DType.BOOL),
                activation_input("a", shapes[1], common),
                activation_input("b", shapes[2], common),
            ]
            at = int(rng.integers(6))
            if at == 0:
                operands[0] = constant("c", random_values(rng, shapes[0], DType.BOOL))
            elif at < 3:
                operands[at] = constant(operands[at].name, int8_values(rng, shapes[at]), common)
            yield one_node(rng, "SELECT_V2", operands, common, SelectAttrs())
