"""SQUARE: x²."""

import numpy as np

from edgeq.ops import register
from edgeq.ops.pointwise import Pointwise


@register
class Square(Pointwise):
    name = "SQUARE"

    def function(self, x: np.ndarray) -> np.ndarray:
        return np.square(x)
