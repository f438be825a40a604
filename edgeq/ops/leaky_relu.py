"""LEAKY_RELU: x where it is positive, alpha · x where it is not."""

from dataclasses import dataclass

import numpy as np

from edgeq.fixedpoint import quantize_multiplier, requantize, saturate
from edgeq.ir import DType, Tensor
from edgeq.ops import register
from edgeq.ops.lookup import VALUES, Lookup, quotient
from edgeq.ops.rescaling import RescaleParams, rescaling


@dataclass(frozen=True)
class LeakyReluAttrs:
    alpha: float = 0.2


@register
class LeakyRelu(Lookup):
    """Two requantizations, one for either sign (TFLite's QuantizeLeakyRelu)."""

    name = "LEAKY_RELU"
    homogeneous = True
    knows_zero = True
    Attrs = LeakyReluAttrs
    dtypes = (DType.INT8, DType.INT16)

    def wide(self, attrs: LeakyReluAttrs, x: Tensor, y: Tensor, where: str) -> RescaleParams:
        return rescaling(x, y, quantize_multiplier(quotient(x, y)), _slope(attrs, x, y))

    def evaluate(self, attrs: LeakyReluAttrs, x: np.ndarray) -> tuple[np.ndarray, ...]:
        return (np.where(x >= 0, x, np.float32(attrs.alpha) * x).astype(np.float32),)

    def table(self, attrs: LeakyReluAttrs, x: Tensor, y: Tensor, where: str) -> np.ndarray:
        value = VALUES - x.quant.per_tensor[1]
        above = requantize(value, *quantize_multiplier(quotient(x, y)))
        below = requantize(value, *_slope(attrs, x, y))
        return saturate(np.where(value >= 0, above, below) + y.quant.per_tensor[1], -128, 127)


def _slope(attrs: LeakyReluAttrs, x: Tensor, y: Tensor) -> tuple[int, int]:
    """(multiplier, shift) for negative values: float32 from left to right, as LeakyReluPrepare computes it; a negative
    alpha has a negative multiplier."""
    slope = float(x.quant.scale[0] * np.float32(attrs.alpha) / y.quant.scale[0])
    multiplier, shift = quantize_multiplier(abs(slope))
    return (multiplier if slope >= 0 else -multiplier), shift
