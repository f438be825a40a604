"""SQUARE: x²."""

import numpy as np

from edgeq.ir import DType
from edgeq.ops import register
from edgeq.ops.pointwise import Pointwise


@register
class Square(Pointwise):
    name = "SQUARE"
    dtypes = (DType.INT8, DType.INT16)

    def real(self, x: np.ndarray) -> np.ndarray:
        return np.square(x)
