"""CEIL: the next integer above."""

import numpy as np

from edgeq.ops import register
from edgeq.ops.pointwise import Pointwise


@register
class Ceil(Pointwise):
    name = "CEIL"

    def real(self, x: np.ndarray) -> np.ndarray:
        return np.ceil(x)
