"""DEPTHWISE_CONV_2D of blocks to blocks, at scales of any size; every fourth with channels in fours for the DSP."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ..blocks import RANGED_BOUND, ranged_cases, ranged_distances
from ..graphs import Case

BOUND = RANGED_BOUND
LEAST = 0.0
distances = ranged_distances


def cases(rng: np.random.Generator) -> Iterator[Case]:
    every = ranged_cases("DYNAMIC_RANGED_DEPTHWISE_CONV_2D")(rng)
    while True:
        yield from (next(every) for _ in range(3))
        yield next(case for case in every if _in_fours(case))


def _in_fours(case: Case) -> bool:
    (node,) = case.graph.nodes
    x, w = case.graph.operands(node)[:2]
    return x.shape[-1] % 4 == 0 and w.shape[-1] == x.shape[-1]
