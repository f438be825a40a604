"""Cases of the operators that compare two operands."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from edgeq.ir import DType, QuantParams
from edgeq.ops.pairwise import PairwiseAttrs

from .elementwise import operand_pairs
from .graphs import Case, one_node, quant


def cases_of(op: str) -> Callable[[np.random.Generator], Iterator[Case]]:
    """Equal and different scales, below 1 as TFLite needs them; many pairs that are about equal."""

    def cases(rng: np.random.Generator) -> Iterator[Case]:
        while True:
            for near in (0.05, 0.002, 0.2):
                first, second = quant(rng, near), quant(rng, near)
                if rng.random() < 0.5:
                    second = QuantParams(first.scale, [np.clip(first.zero_point[0] + rng.integers(-3, 4), -128, 127)])
                for operands in operand_pairs(rng, first, second, rank=5):
                    case = one_node(rng, op, operands, None, PairwiseAttrs(), DType.BOOL)
                    inputs = tuple(_about_zero(rng, case, name, x) for name, x in zip("ab", case.inputs, strict=False))
                    yield Case(op, case.graph, inputs)

    return cases


def _about_zero(rng: np.random.Generator, case: Case, name: str, x: np.ndarray) -> np.ndarray:
    """Half of the values replaced by such as stand for numbers about 0."""
    zero = case.graph.tensors[name].quant.per_tensor[1]
    near = np.clip(zero + rng.integers(-4, 5, x.shape), -128, 127)
    return np.where(rng.random(x.shape) < 0.5, x, near).astype(np.int8)
