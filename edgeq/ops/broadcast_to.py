"""BROADCAST_TO: a tensor repeated along axes of one element. Operands: the data, the shape (constant)."""

from dataclasses import dataclass

import numpy as np

from edgeq.ops import register
from edgeq.ops.base import require
from edgeq.ops.movement import Movement, Piece, integers, whole


@dataclass(frozen=True)
class BroadcastToAttrs:
    """BROADCAST_TO has no attributes."""


@register
class BroadcastTo(Movement):
    name = "BROADCAST_TO"
    Attrs = BroadcastToAttrs
    count = 2

    def pieces(self, attrs: BroadcastToAttrs, x: np.ndarray, shape: np.ndarray) -> list[Piece]:
        wanted = integers(shape)
        require(min(wanted, default=1) >= 1, f"{wanted} is no shape")
        return [whole(np.broadcast_to(x, wanted))]
