"""DEPTH_TO_SPACE: the channels of every pixel become a block of pixels."""

from dataclasses import dataclass

import numpy as np

from edgeq.ops import register
from edgeq.ops.base import require
from edgeq.ops.movement import Movement, Piece


@dataclass(frozen=True)
class DepthToSpaceAttrs:
    block_size: int = 2


@register
class DepthToSpace(Movement):
    name = "DEPTH_TO_SPACE"
    Attrs = DepthToSpaceAttrs

    def pieces(self, attrs: DepthToSpaceAttrs, x: np.ndarray) -> list[Piece]:
        b = attrs.block_size
        require(x.ndim == 4 and b >= 1, "needs an image and a positive block size")
        n, h, w, c = x.shape
        require(c % (b * b) == 0, f"{c} channels do not divide into blocks of {b}×{b} pixels")
        blocks = x.reshape(n, h, w, b, b, c // (b * b)).transpose(0, 1, 3, 2, 4, 5)
        return [(blocks, (n, h * b, w * b, c // (b * b)))]
