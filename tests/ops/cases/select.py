"""Conditions of the operands' shape, of their first axis, and of none."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from edgeq.ir import DType, Tensor
from edgeq.ops.selecting import SelectAttrs

from ..graphs import Case, activation_input, one_node, quant, shape_of
from ..one_op import options as table


def options(attrs: SelectAttrs) -> Any:
    return table("SelectOptions")


def cases(rng: np.random.Generator) -> Iterator[Case]:
    while True:
        for rank in (4, 2, 1, 3):
            for kept in (rank, 1, 0):
                common = quant(rng)
                shape = shape_of(rng, rank)
                operands = [Tensor("c", shape[:kept], DType.BOOL)]
                operands += [activation_input(name, shape, common) for name in "ab"]
                yield one_node(rng, "SELECT", operands, common, SelectAttrs())
