"""SPLIT_V: parts of given sizes along an axis. Operands: the data, the sizes (one may be −1), the axis (constants)."""

from dataclasses import dataclass

import numpy as np

from edgeq.ops import register
from edgeq.ops.base import require
from edgeq.ops.movement import Movement, Piece, integers, whole


@dataclass(frozen=True)
class SplitVAttrs:
    num_splits: int = 1


@register
class SplitV(Movement):
    name = "SPLIT_V"
    Attrs = SplitVAttrs
    count = 3

    def pieces(self, attrs: SplitVAttrs, x: np.ndarray, sizes: np.ndarray, axis: np.ndarray) -> list[Piece]:
        (along,), parts = integers(axis), integers(sizes)
        require(-x.ndim <= along < x.ndim, f"axis {along} does not exist")
        require(parts.count(-1) <= 1 and min(parts, default=-2) >= -1, f"sizes {parts} are not sizes")
        rest = x.shape[along] - sum(p for p in parts if p >= 0)
        parts = [rest if p == -1 else p for p in parts]
        require(sum(parts) == x.shape[along] and min(parts) > 0, f"sizes {parts} do not fill {x.shape[along]}")
        return [whole(part) for part in np.split(x, np.cumsum(parts)[:-1], axis=along)]
