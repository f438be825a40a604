"""TRANSPOSE: the axes in another order. Operands: the data, the order (constant)."""

from dataclasses import dataclass

import numpy as np

from edgeq.ops import register
from edgeq.ops.movement import Movement, Piece, integers, whole


@dataclass(frozen=True)
class TransposeAttrs:
    """TRANSPOSE has no attributes."""


@register
class Transpose(Movement):
    name = "TRANSPOSE"
    Attrs = TransposeAttrs
    count = 2

    def pieces(self, attrs: TransposeAttrs, x: np.ndarray, order: np.ndarray) -> list[Piece]:
        return [whole(x.transpose(integers(order)))]
