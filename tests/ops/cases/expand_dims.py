"""A new axis anywhere."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from edgeq.ops.expand_dims import ExpandDimsAttrs

from ..graphs import Case, activation_input, constant, one_node, quant, shape_of
from ..one_op import options as table


def options(attrs: ExpandDimsAttrs) -> Any:
    return table("ExpandDimsOptions")


def cases(rng: np.random.Generator) -> Iterator[Case]:
    while True:
        for rank in (3, 2, 1):
            x = activation_input("x", shape_of(rng, rank), quant(rng))
            axis = constant("axis", np.int32([rng.integers(-rank - 1, rank + 1)]))
            yield one_node(rng, "EXPAND_DIMS", [x, axis], x.quant, ExpandDimsAttrs())
