"""Cases of the operators that act on each element alone: all 256 values go through each."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from edgeq.ir import QuantParams
from edgeq.ops.lookup import LookupAttrs

from .graphs import Case, activation_input, one_node, quant


def cases_of(
    op: str,
    fixed: tuple[float, int] | None = None,
    attrs: Callable[[np.random.Generator], Any] = lambda rng: LookupAttrs(),
    nears: tuple[float, ...] = (0.05, 0.005, 0.5),
) -> Callable[[np.random.Generator], Iterator[Case]]:
    """Random scales, small to large, with `fixed` (scale, zero point) of the result or random ones."""

    def cases(rng: np.random.Generator) -> Iterator[Case]:
        while True:
            for near in nears:
                x = activation_input("x", (1, 16, 16), quant(rng, near))
                output = QuantParams([fixed[0]], [fixed[1]]) if fixed else quant(rng, near)
                case = one_node(rng, op, [x], output, attrs(rng))
                every = np.arange(-128, 128, dtype=np.int8).reshape(1, 1, 16, 16)
                yield Case(case.op, case.graph, (every,))

    return cases
