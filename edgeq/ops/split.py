"""SPLIT: equal parts along an axis. Operands: the axis (constant), the data."""

from dataclasses import dataclass

import numpy as np

from edgeq.ops import register
from edgeq.ops.base import require
from edgeq.ops.movement import Movement, Piece, integers, whole


@dataclass(frozen=True)
class SplitAttrs:
    num_splits: int = 1


@register
class Split(Movement):
    name = "SPLIT"
    Attrs = SplitAttrs
    count = 2
    data = 1

    def pieces(self, attrs: SplitAttrs, x: np.ndarray, axis: np.ndarray) -> list[Piece]:
        (along,) = integers(axis)
        require(-x.ndim <= along < x.ndim, f"axis {along} does not exist")
        size = x.shape[along]
        require(1 <= attrs.num_splits <= size and size % attrs.num_splits == 0, f"{size} do not split evenly")
        return [whole(part) for part in np.split(x, attrs.num_splits, axis=along)]
