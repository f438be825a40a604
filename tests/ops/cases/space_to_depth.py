"""Blocks of pixels to channels."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from edgeq.ir import DType
from edgeq.ops.space_to_depth import SpaceToDepthAttrs

from ..graphs import Case, activation_input, one_node, quant, shape_of
from ..one_op import options as table

WITHOUT_REFERENCE = (DType.INT16, DType.BOOL)


def options(attrs: SpaceToDepthAttrs) -> Any:
    return table("SpaceToDepthOptions", blockSize=attrs.block_size)


def cases(rng: np.random.Generator) -> Iterator[Case]:
    while True:
        for block in (2, 3, 1):
            n, h, w, c = shape_of(rng, 4)
            x = activation_input("x", (n, h * block, w * block, c), quant(rng))
            yield one_node(rng, "SPACE_TO_DEPTH", [x], x.quant, SpaceToDepthAttrs(block))
