"""Squared differences, with and without broadcasting."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from edgeq.ops.pairwise import PairwiseAttrs

from ..elementwise import operand_pairs
from ..graphs import Case, one_node, quant
from ..one_op import options as table


def options(attrs: PairwiseAttrs) -> Any:
    return table("SquaredDifferenceOptions")


def cases(rng: np.random.Generator) -> Iterator[Case]:
    while True:
        first, second = quant(rng), quant(rng)
        for operands in operand_pairs(rng, first, second):
            output = quant(rng, 127 * float(max(first.scale[0], second.scale[0])) ** 2)
            yield one_node(rng, "SQUARED_DIFFERENCE", operands, output, PairwiseAttrs())
