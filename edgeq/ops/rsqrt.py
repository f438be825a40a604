"""RSQRT: 1 / sqrt(x)."""

import numpy as np

from edgeq.fixedpoint import INT32_MAX, doubling_high_mult, quantize_multiplier, requantize, saturate
from edgeq.ir import Tensor
from edgeq.ops import register
from edgeq.ops.lookup import VALUES, Curve, LookupAttrs

# Bits that keep 1 / sqrt(value) an integer between its two requantizations.
_FRACTION = 20
# sqrt(2) / 2 in Q0.31
_HALF_SQRT_2 = 1518500250


@register
class Rsqrt(Curve):
    """Of int8 in fixed point, as TFLite's RsqrtEvalQuantizedInt8; of int16 LiteRT 2.x's interpolated table.

    At the zero point the result is the largest one. Below it TFLite aborts the inference; here too the result is the
    largest.
    """

    name = "RSQRT"
    wraps = True

    def function(self, attrs: LookupAttrs, x: np.ndarray, y: Tensor | None = None) -> np.ndarray:
        largest = np.finfo(np.float32).max if y is None else np.float32(y.dtype.range[1]) * y.quant.scale[0]
        with np.errstate(divide="ignore", invalid="ignore"):
            root = np.sqrt(x)  # float32, rounded to nearest
            return np.where(x > 0, np.float32(1) / root, largest).astype(np.float32)

    def table(self, attrs: LookupAttrs, x: Tensor, y: Tensor, where: str) -> np.ndarray:
        # std::sqrt of a float32, the rest in double
        real = 1.0 / float(np.sqrt(x.quant.scale[0]) * y.quant.scale[0])
        multiplier, shift = quantize_multiplier(real)
        result = np.full(256, 127, np.int64)
        for index, value in enumerate(VALUES - x.quant.per_tensor[1]):
            if value > 0:
                root, root_shift = _inverse_sqrt(int(value))
                fraction = requantize(np.int64(1), root, root_shift + _FRACTION)
                result[index] = requantize(fraction, multiplier, shift - _FRACTION) + y.quant.per_tensor[1]
        return saturate(result, -128, 127)


def _inverse_sqrt(value: int) -> tuple[int, int]:
    """(multiplier, shift) of 1 / sqrt(value), value in [1, 2^29) (TFLite's GetInvSqrtQuantizedMultiplierExp).

    Five Newton steps in Q3.28 for value · 4^k in [2^28, 2^30), k the largest that keeps it there.
    """
    if value == 1:
        return INT32_MAX, 0
    pairs = (32 - value.bit_length() - 1) // 2 - 1
    scaled = np.int64(value << (2 * pairs) >> 1)
    half = (scaled + 1) >> 1
    x = np.int64(1 << 28)
    for _ in range(5):
        cube = doubling_high_mult(doubling_high_mult(x, x), x) << 6
        x = (doubling_high_mult(np.int64(3 << 27), x) - doubling_high_mult(half, cube)) << 3
    shift = 11 - pairs
    result = int(doubling_high_mult(x, _HALF_SQRT_2))
    return (result << -shift, 0) if shift < 0 else (result, -shift)
