"""SIN: the sine."""

import numpy as np

from edgeq.ops import register
from edgeq.ops.pointwise import Pointwise


@register
class Sin(Pointwise):
    name = "SIN"

    def function(self, x: np.ndarray) -> np.ndarray:
        return np.sin(x.astype(np.float64))
