"""The smaller of two elements, with and without broadcasting."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from edgeq.ops.pairwise import PairwiseAttrs

from ..elementwise import operand_pairs
from ..graphs import Case, one_node, quant
from ..one_op import options as table


def options(attrs: PairwiseAttrs) -> Any:
    return table("MaximumMinimumOptions")


def cases(rng: np.random.Generator) -> Iterator[Case]:
    while True:
        common = quant(rng)
        for operands in operand_pairs(rng, common, common, rank=5):
            yield one_node(rng, "MINIMUM", operands, common, PairwiseAttrs())
