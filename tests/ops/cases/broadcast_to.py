"""Axes of one element repeated, and axes put in front."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from edgeq.ops.broadcast_to import BroadcastToAttrs

from ..graphs import Case, activation_input, constant, one_node, quant

_SHAPES = [((1, 3, 1, 4), (2, 3, 5, 4)), ((5,), (2, 3, 5)), ((2, 1), (2, 7)), ((), (3, 2)), ((1, 4), (1, 4))]


def options(attrs: BroadcastToAttrs) -> Any:
    return None  # its options are of a later schema and have no fields


def cases(rng: np.random.Generator) -> Iterator[Case]:
    while True:
        for shape, wanted in _SHAPES:
            x = activation_input("x", shape, quant(rng))
            operands = [x, constant("shape", np.array(wanted, np.int32))]
            yield one_node(rng, "BROADCAST_TO", operands, x.quant, BroadcastToAttrs())
