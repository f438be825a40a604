"""SIGN: −1, 0 or 1."""

import numpy as np

from edgeq.ops import register
from edgeq.ops.pointwise import Pointwise


@register
class Sign(Pointwise):
    name = "SIGN"

    def real(self, x: np.ndarray) -> np.ndarray:
        return np.sign(x)
