"""Batches put together to images and sequences, cropped."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from edgeq.ir import DType
from edgeq.ops.batch_blocks import BatchBlocksAttrs

from ..graphs import Case, activation_input, constant, one_node, quant
from ..one_op import options as table

WITHOUT_REFERENCE = (DType.INT16, DType.BOOL)

# shape, blocks, crops
_GEOMETRIES = [
    ((4, 3, 2, 3), (2, 2), ((1, 0), (0, 0))),
    ((12, 2, 2, 2), (2, 3), ((0, 0), (0, 0))),
    ((6, 2, 3, 1), (3, 2), ((2, 1), (1, 1))),
    ((4, 4, 3), (2,), ((0, 1),)),
    ((4, 3, 2, 5), (1, 4), ((1, 0), (2, 2))),
]


def options(attrs: BatchBlocksAttrs) -> Any:
    return table("BatchToSpaceNDOptions")


def cases(rng: np.random.Generator) -> Iterator[Case]:
    while True:
        for shape, blocks, crops in _GEOMETRIES:
            x = activation_input("x", shape, quant(rng))
            operands = [x, constant("block", np.int32(blocks)), constant("crops", np.int32(crops))]
            yield one_node(rng, "BATCH_TO_SPACE_ND", operands, x.quant, BatchBlocksAttrs())
