"""Cases of the operators with two operands."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from edgeq.ir import QuantParams, Tensor
from edgeq.ops import Activation

from .graphs import Case, activation_input, constant, int8_values, one_node, quant

Scale = Callable[[Tensor, Tensor], float]

_SHAPES = [
    ((1, 3, 4, 5), (1, 3, 4, 5)),
    ((1, 3, 4, 5), (5,)),
    ((2, 7), (2, 7)),
    ((1, 1, 1, 6), (1, 4, 3, 6)),
    ((2, 3, 4, 1), (2, 1, 1, 5)),
    ((1, 4, 4, 3), (1,)),
    ((), (2, 3)),
    ((1, 19), (19,)),
]


def operand_pairs(
    rng: np.random.Generator, first: QuantParams, second: QuantParams, rank: int = 4
) -> Iterator[list[Tensor]]:
    """Equal and broadcast shapes of up to `rank` axes, runtime and constant operands, each pair once."""
    for shapes in _SHAPES:
        if max(map(len, shapes)) <= rank:
            operands = [
                activation_input(name, shape, q) for name, shape, q in zip("ab", shapes, (first, second), strict=True)
            ]
            at = int(rng.integers(4))
            if at < 2:
                operands[at] = constant(operands[at].name, int8_values(rng, operands[at].shape), operands[at].quant)
            yield operands


def cases_of(op: str, attrs_type: type, typical_scale: Scale) -> Callable[[np.random.Generator], Iterator[Case]]:
    """Equal and broadcast shapes, runtime and constant operands.

    Args:
        typical_scale: a scale for the result that makes full use of int8.
    """

    def cases(rng: np.random.Generator) -> Iterator[Case]:
        while True:
            for shapes in _SHAPES:
                operands: list[Any] = [
                    activation_input(name, shape, quant(rng)) for name, shape in zip("ab", shapes, strict=True)
                ]
                at = int(rng.integers(4))
                if at < 2:
                    values = int8_values(rng, operands[at].shape)
                    operands[at] = constant(operands[at].name, values, operands[at].quant)
                output: QuantParams = quant(rng, typical_scale(*operands))
                yield one_node(rng, op, operands, output, attrs_type(rng.choice(list(Activation))))

    return cases


def sum_scale(a: Tensor, b: Tensor) -> float:
    return float(max(a.quant.scale[0], b.quant.scale[0]))


def product_scale(a: Tensor, b: Tensor) -> float:
    return float(a.quant.scale[0] * b.quant.scale[0]) * 64
