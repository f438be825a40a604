"""ROUND: the nearest integer, of two the even one."""

import numpy as np

from edgeq.ops import register
from edgeq.ops.pointwise import Pointwise


@register
class Round(Pointwise):
    name = "ROUND"

    def real(self, x: np.ndarray) -> np.ndarray:
        return np.rint(x)
