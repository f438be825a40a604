"""TILE: a tensor repeated along its axes. Operands: the data, how often (constant)."""

from dataclasses import dataclass

import numpy as np

from edgeq.ops import register
from edgeq.ops.base import require
from edgeq.ops.movement import Movement, Piece, integers


@dataclass(frozen=True)
class TileAttrs:
    """TILE has no attributes."""


@register
class Tile(Movement):
    name = "TILE"
    Attrs = TileAttrs
    count = 2

    def pieces(self, attrs: TileAttrs, x: np.ndarray, multiples: np.ndarray) -> list[Piece]:
        times = integers(multiples)
        require(len(times) == x.ndim and min(times, default=1) >= 1, f"multiples {times} do not fit {x.ndim} axes")
        pairs = list(zip(times, x.shape, strict=True))
        apart = x.reshape([d for size in x.shape for d in (1, size)])
        repeated = np.broadcast_to(apart, [d for pair in pairs for d in pair])
        return [(repeated, tuple(m * d for m, d in pairs))]
