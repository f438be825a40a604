"""ABS."""

import numpy as np

from edgeq.fixedpoint import quantize_multiplier, requantize, saturate
from edgeq.ir import DType, Tensor
from edgeq.ops import register
from edgeq.ops.lookup import VALUES, Lookup, LookupAttrs, quotient
from edgeq.ops.rescaling import RescaleParams, rescaling


@register
class Abs(Lookup):
    name = "ABS"
    dtypes = (DType.INT8, DType.INT16)

    def wide(self, attrs: LookupAttrs, x: Tensor, y: Tensor, where: str) -> RescaleParams:
        multiplier, shift = quantize_multiplier(quotient(x, y))
        return rescaling(x, y, (multiplier, shift), (-multiplier, shift))

    def evaluate(self, attrs: LookupAttrs, x: np.ndarray) -> tuple[np.ndarray, ...]:
        return (np.abs(x),)

    def table(self, attrs: LookupAttrs, x: Tensor, y: Tensor, where: str) -> np.ndarray:
        magnitude = np.abs(VALUES - x.quant.per_tensor[1])
        return saturate(requantize(magnitude, *quantize_multiplier(quotient(x, y))) + y.quant.per_tensor[1], -128, 127)
