"""Functions of one element that TFLite computes of float32 only.

For int8 they are what DEQUANTIZE, the float operator and QUANTIZE compute one after the other, which is also what
converters write: float32 at every step, rounded to nearest, ties away from zero, saturated.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from edgeq.ir import DType, Tensor
from edgeq.ops.lookup import VALUES, Lookup, LookupAttrs


class Pointwise(Lookup):
    """Base of these operators."""

    def function(self, x: np.ndarray) -> np.ndarray:
        """The results for any float32 values, to float32 accuracy and without NaN."""
        raise NotImplementedError

    def evaluate(self, attrs: LookupAttrs, x: np.ndarray) -> tuple[np.ndarray, ...]:
        return (self.function(x).astype(np.float32),)

    def table(self, attrs: Any, x: Tensor, y: Tensor, where: str) -> np.ndarray:
        real = self.function(x.quant.dequantize(VALUES)).astype(np.float32)
        return y.quant.quantize(real, DType.INT8)
