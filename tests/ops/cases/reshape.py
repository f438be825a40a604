"""Reshapes, with one dimension left open or none."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from edgeq.ops.reshape import ReshapeAttrs

from ..graphs import Case, activation_input, constant, one_node, quant
from ..one_op import options as table

_SHAPES = [((1, 4, 6), (1, 24)), ((1, 4, 6), (2, -1, 3)), ((24,), (1, 2, 3, 4)), ((1, 1, 1, 7), (-1,))]


def options(attrs: ReshapeAttrs) -> Any:
    return table("ReshapeOptions", newShape=list(attrs.new_shape))


def cases(rng: np.random.Generator) -> Iterator[Case]:
    while True:
        for shape, wanted in _SHAPES:
            x = activation_input("x", shape, quant(rng))
            operand = constant("shape", np.array(wanted, np.int32))
            yield one_node(rng, "RESHAPE", [x, operand], x.quant, ReshapeAttrs(wanted))
