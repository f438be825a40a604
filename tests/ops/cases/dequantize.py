"""DEQUANTIZE at the output of a graph."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from edgeq.ir import DType
from edgeq.ops.dequantize import DequantizeAttrs

from ..graphs import Case, activation_input, one_node, quant, shape_of
from ..one_op import options as table


def options(attrs: DequantizeAttrs) -> Any:
    return table("DequantizeOptions")


def cases(rng: np.random.Generator) -> Iterator[Case]:
    while True:
        for rank in (1, 2, 3, 4):
            x = activation_input("x", shape_of(rng, rank), quant(rng))
            yield one_node(rng, "DEQUANTIZE", [x], None, DequantizeAttrs(), dtype=DType.FLOAT32)
