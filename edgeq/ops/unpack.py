"""UNPACK: every element of an axis a result of its own."""

from dataclasses import dataclass

import numpy as np

from edgeq.ops import register
from edgeq.ops.base import require
from edgeq.ops.movement import Movement, Piece, whole


@dataclass(frozen=True)
class UnpackAttrs:
    """num: elements along the axis, which may count from the end."""

    num: int = 1
    axis: int = 0


@register
class Unpack(Movement):
    name = "UNPACK"
    Attrs = UnpackAttrs

    def pieces(self, attrs: UnpackAttrs, x: np.ndarray) -> list[Piece]:
        require(-x.ndim <= attrs.axis < x.ndim, f"axis {attrs.axis} does not exist")
        moved = np.moveaxis(x, attrs.axis, 0)
        require(moved.shape[0] == attrs.num, f"the axis has {moved.shape[0]} elements, not {attrs.num}")
        return [whole(moved[i, ...]) for i in range(attrs.num)]
