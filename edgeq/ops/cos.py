"""COS: the cosine."""

import numpy as np

from edgeq.ops import register
from edgeq.ops.pointwise import Pointwise


@register
class Cos(Pointwise):
    name = "COS"

    def function(self, x: np.ndarray) -> np.ndarray:
        return np.cos(x.astype(np.float64))
