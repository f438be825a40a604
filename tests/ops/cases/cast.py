"""Every integer type to every other."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from edgeq.ops.cast import CastAttrs
from edgeq.ops.integers import INTEGERS

from ..graphs import Case, activation_input, one_node, quant, shape_of
from ..one_op import options as table


def options(attrs: CastAttrs) -> Any:
    return table("CastOptions")


def cases(rng: np.random.Generator) -> Iterator[Case]:
    while True:
        for rank, to in enumerate(INTEGERS):
            x = activation_input("x", shape_of(rng, rank), quant(rng))
            yield one_node(rng, "CAST", [x], None, CastAttrs(), to)
