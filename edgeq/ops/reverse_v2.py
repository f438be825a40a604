"""REVERSE_V2: axes backwards. Operands: the data, the axes (constant)."""

from dataclasses import dataclass

import numpy as np

from edgeq.ops import register
from edgeq.ops.movement import Movement, Piece, integers, whole


@dataclass(frozen=True)
class ReverseV2Attrs:
    """REVERSE_V2 has no attributes."""


@register
class ReverseV2(Movement):
    name = "REVERSE_V2"
    Attrs = ReverseV2Attrs
    count = 2

    def pieces(self, attrs: ReverseV2Attrs, x: np.ndarray, axes: np.ndarray) -> list[Piece]:
        return [whole(np.flip(x, integers(axes)))]
