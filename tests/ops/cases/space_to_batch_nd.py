"""Padded images and sequences dealt out to batches."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from edgeq.ir import DType
from edgeq.ops.batch_blocks import BatchBlocksAttrs

from ..graphs import Case, activation_input, constant, one_node, quant
from ..one_op import options as table

WITHOUT_REFERENCE = (DType.INT16, DType.BOOL)

# shape, blocks, padding
_GEOMETRIES = [
    ((1, 5, 4, 3), (2, 2), ((1, 0), (0, 0))),
    ((2, 4, 6, 2), (2, 3), ((0, 0), (0, 0))),
    ((1, 3, 3, 1), (3, 2), ((2, 1), (2, 1))),
    ((2, 7, 3), (2,), ((0, 1),)),
    ((1, 4, 4, 5), (1, 4), ((1, 2), (2, 2))),
]


def options(attrs: BatchBlocksAttrs) -> Any:
    return table("SpaceToBatchNDOptions")


def cases(rng: np.random.Generator) -> Iterator[Case]:
    while True:
        for shape, blocks, padding in _GEOMETRIES:
            x = activation_input("x", shape, quant(rng))
            operands = [x, constant("block", np.int32(blocks)), constant("padding", np.int32(padding))]
            yield one_node(rng, "SPACE_TO_BATCH_ND", operands, x.quant, BatchBlocksAttrs())
