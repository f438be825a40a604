"""Padding by zeros."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from edgeq.ops.padding import PadAttrs

from ..graphs import Case, one_node
from ..one_op import options as table
from ..paddings import operands


def options(attrs: PadAttrs) -> Any:
    return table("PadOptions")


def cases(rng: np.random.Generator) -> Iterator[Case]:
    for x, padding in operands(rng):
        yield one_node(rng, "PAD", [x, padding], x.quant, PadAttrs())
