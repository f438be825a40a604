"""HARD_SWISH: x · relu6(x + 3) / 6."""

import numpy as np

from edgeq.errors import QuantizationError
from edgeq.fixedpoint import quantize_multiplier, rounding_divide_by_pot, saturate
from edgeq.ir import Tensor
from edgeq.ops import register
from edgeq.ops.lookup import VALUES, Curve, LookupAttrs

_INT16 = (-(1 << 15), (1 << 15) - 1)
# Bits that the operand is scaled up by before it is computed with in 16 bits.
_LEFT_SHIFT = 7


@register
class HardSwish(Curve):
    """Of int8 in 16-bit fixed point, step by step as TFLite's reference kernel: no rounded real function gives its
    results. Of int16, which TFLite lacks, an interpolated table."""

    name = "HARD_SWISH"

    def function(self, attrs: LookupAttrs, x: np.ndarray, y: Tensor | None = None) -> np.ndarray:
        return (x * np.clip(x + np.float32(3), 0, 6) / np.float32(6)).astype(np.float32)

    def table(self, attrs: LookupAttrs, x: Tensor, y: Tensor, where: str) -> np.ndarray:
        fine = np.float32(1.0 / (1 << _LEFT_SHIFT)) * x.quant.scale[0]
        factor, exponent = _multiplier16(float(fine / y.quant.scale[0]))
        if exponent > 0:
            raise QuantizationError(
                "an int8 hard swish needs a result whose scale is more than 1/128 of its operand's",
                where=where,
                hint="calibrate with data that covers the layer's range",
            )
        gate_factor, gate_exponent = _multiplier16(float(fine / np.float32(3.0 / (1 << 15))))
        value = (VALUES - x.quant.per_tensor[1]) << _LEFT_SHIFT
        # the gate: (x / 3, limited to [−1, 1], + 1) / 2. The last doubling comes behind the product, where it may
        # saturate rightly.
        gate = _saturate16(value << max(0, gate_exponent - 1))
        gate = _high_product(gate, gate_factor)
        gate = _saturate16(gate << 1) if gate_exponent > 0 else rounding_divide_by_pot(gate, -gate_exponent)
        gate = (gate + (1 << 15)) >> 1
        # this product is truncated towards zero, not rounded
        product = gate * _high_product(value, factor)
        product = np.sign(product) * (np.abs(product) >> 15)
        return saturate(rounding_divide_by_pot(product, -exponent) + y.quant.per_tensor[1], -128, 127)


def _saturate16(x: np.ndarray) -> np.ndarray:
    return np.clip(x, *_INT16)


def _multiplier16(real: float) -> tuple[int, int]:
    """(multiplier in Q0.15, shift) of a positive factor (TFLite's DownScaleInt32ToInt16Multiplier)."""
    multiplier, shift = quantize_multiplier(real)
    return min((multiplier + (1 << 15)) >> 16, _INT16[1]), shift


def _high_product(a: np.ndarray, b: int) -> np.ndarray:
    """round(a · b / 2^15) in int16, ties away from zero (gemmlowp's 16-bit SaturatingRoundingDoublingHighMul)."""
    product = a * b
    nudged = product + np.where(product >= 0, 1 << 14, 1 - (1 << 14))
    return _saturate16(np.sign(nudged) * (np.abs(nudged) >> 15))
