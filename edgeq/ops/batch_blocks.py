"""What SPACE_TO_BATCH_ND and BATCH_TO_SPACE_ND share: blocks of neighbours along some axes, dealt out to batches.

With b blocks along an axis of the larger tensor, the element at place h there is that of batch (h mod b) at place
h // b.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from edgeq.errors import ModelError
from edgeq.ir import Tensor
from edgeq.ops.base import require


@dataclass(frozen=True)
class BatchBlocksAttrs:
    """Neither operator has attributes."""


def check_blocks(x: Tensor, block: Tensor, margins: Tensor) -> tuple[tuple[int, ...], tuple[tuple[int, int], ...]]:
    """(blocks, margins before and behind) of each of the axes after the first.

    Raises ModelError unless both are constants that fit the tensor.
    """
    for constant in (block, margins):
        if constant.data is None:
            raise ModelError(f"{constant.name!r} is computed at run time; a constant is needed")
    rank = len(x.shape)
    require(len(block.shape) == 1 and block.size < rank, f"blocks of shape {list(block.shape)} of {rank} axes")
    require(margins.shape == (block.size, 2), f"margins of shape {list(margins.shape)} for {block.size} axes")
    blocks = tuple(int(b) for b in block.data)
    require(min(blocks, default=1) >= 1, f"blocks of {list(blocks)}")
    require(int(margins.data.min(initial=0)) >= 0, "margins cannot be negative")
    return blocks, tuple((int(before), int(behind)) for before, behind in margins.data)


def block_offsets(
    small: tuple[int, ...], blocks: tuple[int, ...], margins: tuple[tuple[int, int], ...], batches: int, itemsize: int
) -> list[np.ndarray]:
    """Where elements lie in the tensor of many batches, in bytes: the sum of one offset of each walked axis.

    Args:
        small: the shape of that tensor. batches: of the other one. margins: what the other one lacks at the ends of an
            axis whose blocks are put together.
    """
    strides = [itemsize * math.prod(small[axis + 1 :]) for axis in range(len(small))]
    columns = [np.arange(batches) * strides[0]]
    for axis, (b, (before, behind)) in enumerate(zip(blocks, margins, strict=True), start=1):
        places = np.arange(before, small[axis] * b - behind)
        batch = places % b * math.prod(blocks[axis:]) * batches
        columns.append(batch * strides[0] + places // b * strides[axis])
    return columns
