"""FLOOR: the next integer below."""

import numpy as np

from edgeq.ops import register
from edgeq.ops.pointwise import Pointwise


@register
class Floor(Pointwise):
    name = "FLOOR"

    def real(self, x: np.ndarray) -> np.ndarray:
        return np.floor(x)
