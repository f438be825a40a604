"""Functions of one element that TFLite computes of float32 only.

For int8 they are what DEQUANTIZE, the float operator and QUANTIZE compute one after the other, which is also what
converters write: float32 at every step, rounded to nearest, ties away from zero, saturated.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from edgeq.ir import DType, Tensor
from edgeq.ops.lookup import VALUES, Curve


class Pointwise(Curve):
    """Base of these operators; those that bend too sharply for an interpolated table are of int8 only."""

    dtypes = (DType.INT8,)

    def real(self, x: np.ndarray) -> np.ndarray:
        """The results for any float32 values, to float32 accuracy and without NaN."""
        raise NotImplementedError

    def function(self, attrs: Any, x: np.ndarray, y: Tensor | None = None) -> np.ndarray:
        return self.real(x).astype(np.float32)

    def table(self, attrs: Any, x: Tensor, y: Tensor, where: str) -> np.ndarray:
        with np.errstate(over="ignore"):
            return y.quant.quantize(self.function(attrs, x.quant.dequantize(VALUES)), DType.INT8)
