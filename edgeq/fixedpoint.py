"""The only place where integers round: requantization, saturation and the tables built from them.

Terms are CMSIS-NN's: a real factor is held as `multiplier · 2^(shift − 31)` with a 32-bit `multiplier`; a positive
`shift` shifts left. `input_offset` is the negated zero point.
"""

from __future__ import annotations

import enum
import math
from collections.abc import Callable

import numpy as np

from edgeq.errors import QuantizationError

INT32_MIN, INT32_MAX = -(1 << 31), (1 << 31) - 1


class Dialect(enum.Enum):
    """Which reference the requantization of a program equals.

    DOUBLE: every operator rounds twice (tflite-runtime 2.14, TFLite Micro, CMSIS-NN's default build).
    LITERT: as DOUBLE, but FULLY_CONNECTED rounds once (LiteRT 2.x's reference kernel).
    MICRO: as DOUBLE, but int8 LSTMs are those of TFLite Micro and CMSIS-NN, whose gates TFLite computes otherwise.
    """

    DOUBLE = "double"
    LITERT = "litert"
    MICRO = "micro"


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


def reduced_multipliers(multiplier: np.ndarray) -> np.ndarray:
    """Multipliers of 31 bits rounded to the 15 bits that `requantize_wide` works with: int64."""
    multiplier = np.asarray(multiplier, np.int64)
    return np.where(multiplier < 0x7FFF0000, (multiplier + (1 << 15)) >> 16, 0x7FFF)


def requantize_wide(x: np.ndarray, multiplier: np.ndarray, shift: np.ndarray) -> np.ndarray:
    """x · multiplier · 2^(shift − 31) of a 64-bit accumulator, rounded once, ties up, with 15 bits of the multiplier
    (TFLite's MultiplyByQuantizedMultiplier for int64).

    Args:
        x: int64, |x| < 2^47. shift: in [−31, 7].
    """
    total = 15 - np.asarray(shift, np.int64)
    product = np.asarray(x, np.int64) * reduced_multipliers(multiplier)
    return (product + (np.int64(1) << (total - 1))) >> total


def reciprocal_root(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """1 / sqrt(x) of integers in [1, 2^62) as r · 2^−shift: int64 r in (2^31, 2^32], shift in [32, 62].

    x is brought to [2^60, 2^62) by an even shift; r = floor(2^62 / floor(sqrt(x))). The relative error is below 2^−29.
    """
    normalized = np.array(x, np.int64)
    half = np.zeros_like(normalized)
    for step in (16, 8, 4, 2, 1):
        small = normalized < np.int64(1) << (62 - 2 * step)
        normalized = np.where(small, normalized << (2 * step), normalized)
        half += np.where(small, step, 0)
    root = np.sqrt(normalized.astype(np.float64)).astype(np.int64)
    root -= root * root > normalized
    root += (root + 1) * (root + 1) <= normalized
    return (np.int64(1) << 62) // root, 62 - half


def saturate(x: np.ndarray, low: int, high: int, dtype: type = np.int8) -> np.ndarray:
    """x clamped to [low, high], as `dtype`."""
    return np.clip(x, low, high).astype(dtype)


# Elements that `requantize_int8` works on at a time: its temporaries stay in a core's cache.
_BLOCK = 1 << 17
# Constants per channel are repeated to rows of about this length: NumPy is slow on short inner loops.
_ROW = 1 << 10
# A share of doubtful results above which estimating is not worth while.
_MOST_DOUBT = 1 / 8


def int8_requantizer(
    bias: np.ndarray,
    multiplier: np.ndarray,
    shift: np.ndarray,
    offset: int,
    low: int,
    high: int,
    *,
    bound: int,
    channels: int,
    single: bool = False,
) -> Callable[[np.ndarray], np.ndarray]:
    """A fast clamp(requantize(acc + bias) + offset) for whole tensors of accumulators.

    Results are estimated in float32. Where the estimate lies too near a tie to be sure, `requantize` decides: for most
    layers about one result of a hundred.

    Args:
        bias, multiplier, shift: int32 (channels,), or (1,) for one in all; multiplier not negative.
        low, high: int8 limits of the result.
        bound: neither |acc + bias| nor |bias| exceeds it.
        single: see `requantize`.

    Returns: a function of accumulators (..., channels), integers in any type that holds them exactly; it gives int8.
    """
    repeats = max(1, _ROW // max(1, channels))
    bias, multiplier, shift = (np.tile(np.broadcast_to(c, channels), repeats) for c in (bias, multiplier, shift))
    row = channels * repeats
    factor = np.ldexp(multiplier.astype(np.float64), shift - 31)
    doubt = _doubt(factor, shift, bound, single)
    # The floor of y + 1/2 is y's nearest integer. Shifted by `doubt`, all that is doubtful lies just above an integer.
    addend = (bias * factor + (offset + 0.5 + doubt)).astype(np.float32)
    factor = factor.astype(np.float32)

    def exactly(acc: np.ndarray, at: np.ndarray | slice) -> np.ndarray:
        """Results of accumulators whose constants stand at the places `at` of a row."""
        return requantize(acc.astype(np.int64) + bias[at], multiplier[at], shift[at], single=single) + offset

    def block_of_rows(acc: np.ndarray) -> np.ndarray:
        """Results (rows, n), clamped and whole, of accumulators (rows, n), n ≤ row."""
        n = acc.shape[1]
        if doubt > _MOST_DOUBT:
            return np.clip(exactly(acc, slice(n)), low, high)
        y = np.empty(acc.shape, np.float32)
        np.multiply(acc, factor[:n], out=y, casting="same_kind")
        y += addend[:n]
        whole = np.floor(y)
        y -= whole
        doubtful = np.flatnonzero(y <= np.float32(2.0 * doubt))
        whole.reshape(-1)[doubtful] = exactly(acc.reshape(-1)[doubtful], doubtful % n)
        return np.clip(whole, np.float32(low), np.float32(high), out=whole)

    def requantize_int8(acc: np.ndarray) -> np.ndarray:
        flat = acc.reshape(-1)
        result = np.empty(flat.shape, np.int8)
        whole = flat.size - flat.size % max(1, row)
        step = row * max(1, _BLOCK // max(1, row))
        for begin in [*range(0, whole, step), *([whole] if whole < flat.size else [])]:
            end = min(begin + step, whole) if begin < whole else flat.size
            y = block_of_rows(flat[begin:end].reshape(-1, row if begin < whole else end - begin))
            result[begin:end] = y.reshape(-1)
        return result.reshape(acc.shape)

    return requantize_int8


def _doubt(factor: np.ndarray, shift: np.ndarray, bound: int, single: bool) -> float:
    """How near a tie an estimate in float32 has to be before requantization may decide otherwise.

    Rounding twice, the first rounding moves a value by up to half of 2^shift. The estimate itself is the sum of two
    products, each with a factor of 24 bits and below bound · factor, plus an int8 offset; three roundings of 2^−24.
    """
    first_rounding = 0.0 if single else float(np.max(np.where(shift < 0, np.ldexp(0.5, shift), 0.0), initial=0.0))
    largest = bound * float(np.max(factor, initial=0.0))
    return first_rounding + 2.0**-22 * (2.0 * largest + 512.0)
