"""Cases of the operators that divide plain integers. TFLite refuses to divide by 0."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from edgeq.ops.pairwise import PairwiseAttrs

from .elementwise import operand_pairs
from .graphs import Case, constant, one_node, quant


def cases_of(op: str) -> Callable[[np.random.Generator], Iterator[Case]]:
    """Divisors of both signs, small and large."""

    def cases(rng: np.random.Generator) -> Iterator[Case]:
        while True:
            common = quant(rng)
            for a, b in operand_pairs(rng, common, common, rank=5):
                if b.data is not None:
                    b = constant("b", _not_zero(b.data), b.quant)
                case = one_node(rng, op, [a, b], common, PairwiseAttrs())
                inputs = [_not_zero(x) if n == "b" else x for n, x in zip(case.graph.inputs, case.inputs, strict=True)]
                yield Case(op, case.graph, tuple(inputs))

    return cases


def _not_zero(x: np.ndarray) -> np.ndarray:
    return np.where(x == 0, 7, x).astype(np.int8)
