"""COS: the cosine."""

import numpy as np

from edgeq.ir import DType
from edgeq.ops import register
from edgeq.ops.pointwise import Pointwise


@register
class Cos(Pointwise):
    name = "COS"
    dtypes = (DType.INT8, DType.INT16)

    def real(self, x: np.ndarray) -> np.ndarray:
        return np.cos(x.astype(np.float64))
