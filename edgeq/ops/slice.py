"""SLICE: a box out of a tensor. Operands: the data, where it begins, its size (−1: up to the end)."""

from dataclasses import dataclass

import numpy as np

from edgeq.ops import register
from edgeq.ops.base import require
from edgeq.ops.movement import Movement, Piece, integers, whole


@dataclass(frozen=True)
class SliceAttrs:
    """SLICE has no attributes."""


@register
class Slice(Movement):
    name = "SLICE"
    Attrs = SliceAttrs
    count = 3

    def pieces(self, attrs: SliceAttrs, x: np.ndarray, begin: np.ndarray, size: np.ndarray) -> list[Piece]:
        box = []
        for start, extent, dim in zip(integers(begin), integers(size), x.shape, strict=True):
            stop = dim if extent == -1 else start + extent
            require(0 <= start < stop <= dim, f"the slice {start} to {stop} leaves an axis of {dim}")
            box.append(slice(start, stop))
        return [whole(x[tuple(box)])]
