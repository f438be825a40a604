"""Boxes of any rank, open at the end or not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from edgeq.ops.slice import SliceAttrs

from ..graphs import Case, activation_input, constant, one_node, quant, shape_of
from ..one_op import options as table


def options(attrs: SliceAttrs) -> Any:
    return table("SliceOptions")


def cases(rng: np.random.Generator) -> Iterator[Case]:
    while True:
        for rank in (4, 3, 2, 1, 5):
            x = activation_input("x", shape_of(rng, rank), quant(rng))
            begin = np.array([rng.integers(d) for d in x.shape], np.int32)
            size = np.array([rng.integers(1, d - b + 1) for b, d in zip(begin, x.shape, strict=True)], np.int32)
            size[rng.random(rank) < 0.3] = -1
            operands = [x, constant("begin", begin), constant("size", size)]
            yield one_node(rng, "SLICE", operands, x.quant, SliceAttrs())
