"""SQRT: the square root; 0 of what has none."""

import numpy as np

from edgeq.ops import register
from edgeq.ops.pointwise import Pointwise


@register
class Sqrt(Pointwise):
    name = "SQRT"

    def real(self, x: np.ndarray) -> np.ndarray:
        return np.sqrt(np.maximum(x, 0))
