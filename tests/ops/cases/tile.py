"""Repetitions along some axes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from edgeq.ir import DType
from edgeq.ops.tile import TileAttrs

from ..graphs import Case, activation_input, constant, one_node, quant, shape_of
from ..one_op import options as table

WITHOUT_REFERENCE = (DType.INT16,)


def options(attrs: TileAttrs) -> Any:
    return table("TileOptions")


def cases(rng: np.random.Generator) -> Iterator[Case]:
    while True:
        for rank in (4, 3, 2, 1):
            x = activation_input("x", shape_of(rng, rank), quant(rng))
            times = rng.integers(1, 4, rank).astype(np.int32)
            yield one_node(rng, "TILE", [x, constant("times", times)], x.quant, TileAttrs())
