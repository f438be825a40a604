"""SPACE_TO_DEPTH: every block of pixels becomes one pixel with more channels."""

from dataclasses import dataclass

import numpy as np

from edgeq.ops import register
from edgeq.ops.base import require
from edgeq.ops.movement import Movement, Piece


@dataclass(frozen=True)
class SpaceToDepthAttrs:
    block_size: int = 2


@register
class SpaceToDepth(Movement):
    name = "SPACE_TO_DEPTH"
    Attrs = SpaceToDepthAttrs

    def pieces(self, attrs: SpaceToDepthAttrs, x: np.ndarray) -> list[Piece]:
        b = attrs.block_size
        require(x.ndim == 4 and b >= 1, "needs an image and a positive block size")
        n, h, w, c = x.shape
        require(h % b == 0 and w % b == 0, f"{h}×{w} pixels do not divide into blocks of {b}×{b}")
        blocks = x.reshape(n, h // b, b, w // b, b, c).transpose(0, 1, 3, 2, 4, 5)
        return [(blocks, (n, h // b, w // b, b * b * c))]
