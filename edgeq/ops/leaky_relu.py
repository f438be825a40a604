"""LEAKY_RELU: x where it is positive, alpha · x where it is not."""

from dataclasses import dataclass

import numpy as np

from edgeq.fixedpoint import quantize_multiplier, requantize, saturate
from edgeq.ir import Tensor
from edgeq.ops import register
from edgeq.ops.lookup import VALUES, Lookup, quotient


@dataclass(frozen=True)
class LeakyReluAttrs:
    alpha: float = 0.2


@register
class LeakyRelu(Lookup):
    """Two requantizations, one for either sign (TFLite's QuantizeLeakyRelu)."""

    name = "LEAKY_RELU"
    Attrs = LeakyReluAttrs

    def evaluate(self, attrs: LeakyReluAttrs, x: np.ndarray) -> tuple[np.ndarray, ...]:
        return (np.where(x >= 0, x, np.float32(attrs.alpha) * x).astype(np.float32),)

    def table(self, attrs: LeakyReluAttrs, x: Tensor, y: Tensor, where: str) -> np.ndarray:
        value = VALUES - x.quant.per_tensor[1]
        # float32 from left to right, as LeakyReluPrepare computes it; a negative alpha has a negative multiplier
        slope = float(x.quant.scale[0] * np.float32(attrs.alpha) / y.quant.scale[0])
        multiplier, shift = quantize_multiplier(abs(slope))
        above = requantize(value, *quantize_multiplier(quotient(x, y)))
        below = requantize(value, multiplier if slope >= 0 else -multiplier, shift)
        return saturate(np.where(value >= 0, above, below) + y.quant.per_tensor[1], -128, 127)
