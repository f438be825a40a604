"""Axes in any order, up to five of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from edgeq.ops.transpose import TransposeAttrs

from ..graphs import Case, activation_input, constant, one_node, quant, shape_of
from ..one_op import options as table


def options(attrs: TransposeAttrs) -> Any:
    return table("TransposeOptions")


def cases(rng: np.random.Generator) -> Iterator[Case]:
    while True:
        for rank in (4, 3, 2, 5, 1):
            x = activation_input("x", shape_of(rng, rank), quant(rng))
            order = constant("order", rng.permutation(rank).astype(np.int32))
            yield one_node(rng, "TRANSPOSE", [x, order], x.quant, TransposeAttrs())
