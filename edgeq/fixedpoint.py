"""The only place where integers round: requantization, saturation and the tables built from them.

Terms are CMSIS-NN's: a real factor is held as `multiplier · 2^(shift − 31)` with a 32-bit `multiplier`; a positive
`shift` shifts left. `input_offset` is the negated zero point.
"""

from __future__ import annotations

import enum
import math

import numpy as np

from edgeq.errors import QuantizationError

INT32_MIN, INT32_MAX = -(1 << 31), (1 << 31) - 1


class Dialect(enum.Enum):
    """Which reference the requantization of a program equals.

    DOUBLE: every operator rounds twice (tflite-runtime 2.14, TFLite Micro, CMSIS-NN's default build).
    LITERT: as DOUBLE, but FULLY_CONNECTED rounds once (LiteRT 2.x's reference kernel).
    """

    DOUBLE = "double"
    LITERT = "litert"


def quantize_multiplier(real: float) -> tuple[int, int]:
    """(multiplier, shift) nearest to a non-negative real factor, as TFLite's QuantizeMultiplier.

    multiplier lies in {0} ∪ [2^30, 2^31 − 1], shift in [−31, 30]. Factors too small for the format become (0, 0),
    larger ones saturate at the largest representable factor.
    """
    if real == 0.0:
        return 0, 0
    fraction, shift = math.frexp(real)
    # ties away from zero, as std::round
    multiplier = math.floor(fraction * (1 << 31) + 0.5)
    if multiplier == 1 << 31:
        multiplier //= 2
        shift += 1
    if shift < -31:
        return 0, 0
    if shift > 30:
        return INT32_MAX, 30
    return multiplier, shift


def quantize_multipliers(reals: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """`quantize_multiplier` of each element: two int32 arrays."""
    pairs = [quantize_multiplier(float(r)) for r in np.ravel(reals)]
    return np.array([m for m, _ in pairs], np.int32), np.array([s for _, s in pairs], np.int32)


def quantize_multiplier_below_one(real: float, where: str) -> tuple[int, int]:
    """`quantize_multiplier` of a factor in (0, 1), its shift is not positive (TFLite's
    QuantizeMultiplierSmallerThanOneExp). Raises QuantizationError for others."""
    multiplier, shift = quantize_multiplier(real)
    if not 0.0 < real < 1.0 or shift > 0:
        raise QuantizationError(
            f"the operands' scales call for a factor of {real:g}, this operator needs one between 0 and 1",
            where=where,
            hint="the result's scale is too small for its operands: calibrate with data that covers their range",
        )
    return multiplier, shift


def doubling_high_mult(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """round(a · b / 2^31), ties up, saturated in the one case that overflows (gemmlowp's
    SaturatingRoundingDoublingHighMul). Operands hold int32 values; the result is int64."""
    a = np.asarray(a, np.int64)
    product = a * np.asarray(b, np.int64)
    return np.minimum((product + (1 << 30)) >> 31, INT32_MAX)


def rounding_divide_by_pot(x: np.ndarray, exponent: np.ndarray) -> np.ndarray:
    """round(x / 2^exponent), ties away from zero (gemmlowp's RoundingDivideByPOT); exponent in [0, 31]."""
    x = np.asarray(x, np.int64)
    exponent = np.asarray(exponent, np.int64)
    mask = (np.int64(1) << exponent) - 1
    threshold = (mask >> 1) + (x < 0)
    return (x >> exponent) + ((x & mask) > threshold)


def requantize(x: np.ndarray, multiplier: np.ndarray, shift: np.ndarray, *, single: bool = False) -> np.ndarray:
    """x · multiplier · 2^(shift − 31), rounded to an integer.

    Args:
        x: integers whose left-shifted value fits an int32 (callers prove it: `accumulator_bound`).
        multiplier, shift: int32, scalars or arrays that broadcast against `x`; multiplier > −2^31, shift in [−31, 30].
        single: round once, ties up (TFLite's TFLITE_SINGLE_ROUNDING). Otherwise twice: the high product with ties up,
            then the right shift with ties away from zero (TFLite's MultiplyByQuantizedMultiplier).

    Returns: int64 values in int32's range.
    """
    shift = np.asarray(shift, np.int64)
    if single:
        total = 31 - shift
        product = np.multiply(x, multiplier, dtype=np.int64)
        product += np.int64(1) << (total - 1)
        return np.clip(product >> total, INT32_MIN, INT32_MAX)
    left, right = np.maximum(shift, 0), np.maximum(-shift, 0)
    if left.any():
        x = np.asarray(x, np.int64) << left
    # `doubling_high_mult` and `rounding_divide_by_pot` in one int64 buffer: this is where simulation spends its time.
    # The multiplier keeps the product away from the one case that saturates.
    y = np.multiply(x, multiplier, dtype=np.int64)
    y += 1 << 30
    y >>= 31
    if right.any():
        # a floor of (y + half) rounds ties up; one less for negative y rounds them away from zero
        negative = y >> 63
        if not right.all():
            negative &= -(right > 0).astype(np.int64)
        y += negative
        y += (np.int64(1) << right) >> 1
        y >>= right
    return y


def saturate(x: np.ndarray, low: int, high: int, dtype: type = np.int8) -> np.ndarray:
    """x clamped to [low, high], as `dtype`."""
    return np.clip(x, low, high).astype(dtype)
