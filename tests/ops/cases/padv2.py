"""Padding by a constant."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from edgeq.ops.padding import PadAttrs

from ..graphs import Case, constant, int8_values, one_node
from ..one_op import options as table
from ..paddings import operands


def options(attrs: PadAttrs) -> Any:
    return table("PadV2Options")


def cases(rng: np.random.Generator) -> Iterator[Case]:
    for x, padding in operands(rng):
        value = constant("value", int8_values(rng, (1,)), x.quant)
        yield one_node(rng, "PADV2", [x, padding, value], x.quant, PadAttrs())
