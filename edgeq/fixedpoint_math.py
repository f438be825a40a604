"""exp, log, 1 / (1 + x), the logistic function and tanh in fixed point, to the bit as gemmlowp's fixedpoint.h and
TFLite define them (the softmax of TFLite and of CMSIS-NN follows it, and TFLite's LSTM).

"Qm.n" is a number with m integer and n fractional bits, m + n = 31, or 15 where it says so. Arrays hold such numbers in
int64.
"""

from __future__ import annotations

import math

import numpy as np

from edgeq.fixedpoint import INT32_MAX, INT32_MIN, doubling_high_mult, rounding_divide_by_pot

INT16_MIN, INT16_MAX = -(1 << 15), (1 << 15) - 1


def _constant(real: float, fractional_bits: int) -> int:
    return math.floor(real * (1 << fractional_bits) + 0.5)


_EXP_MINUS_EIGHTH = _constant(math.exp(-1 / 8), 31)
_THIRD = _constant(1 / 3, 31)
_EXP_MINUS_POWER = {k: _constant(math.exp(-(2.0**k)), 31) for k in range(-2, 5)}


def _shift_left_saturated(x: np.ndarray, bits: int) -> np.ndarray:
    return np.clip(x << bits, INT32_MIN, INT32_MAX)


def exp_on_negative(x: np.ndarray, integer_bits: int) -> np.ndarray:
    """exp(x) in Q0.31 for x ≤ 0 in Qm.n, m = `integer_bits` in [0, 5]; exp(0) is the largest Q0.31 number.

    x is split into −(a multiple of 1/4) and a rest in [−1/4, 0). The rest goes through a Taylor series of the fourth
    power around −1/8; the multiple, bit by bit, through products with exp(−2^k).
    """
    x = np.asarray(x, np.int64)
    fractional_bits = 31 - integer_bits
    quarter = 1 << (fractional_bits - 2)
    rest = (x & (quarter - 1)) - quarter
    t = (rest << integer_bits) + (1 << 28)
    t2 = doubling_high_mult(t, t)
    t3 = doubling_high_mult(t2, t)
    t4 = doubling_high_mult(t2, t2)
    tail = doubling_high_mult(rounding_divide_by_pot(t4, 2) + t3, _THIRD) + t2
    series = t + rounding_divide_by_pot(tail, 1)
    result = _EXP_MINUS_EIGHTH + doubling_high_mult(_EXP_MINUS_EIGHTH, series)
    multiple = rest - x
    for k, factor in _EXP_MINUS_POWER.items():
        if k < integer_bits:
            bit = (multiple >> (fractional_bits + k)) & 1
            result = np.where(bit == 1, doubling_high_mult(result, factor), result)
    return np.where(x == 0, INT32_MAX, result)


def reciprocal_of_one_plus(x: np.ndarray) -> np.ndarray:
    """1 / (1 + x) for x in [0, 1), both in Q0.31: three Newton steps from a linear start."""
    half = (np.asarray(x, np.int64) + (1 << 31)) >> 1  # (1 + x) / 2 in Q0.31
    one = 1 << 29
    # 1 / half in Q2.29, to begin with 48/17 − 32/17 · half
    y = _constant(48 / 17, 29) + doubling_high_mult(half, -_constant(32 / 17, 29))
    for _ in range(3):
        error = one - doubling_high_mult(half, y)
        y = y + _shift_left_saturated(doubling_high_mult(y, error), 2)
    return _shift_left_saturated(y, 1)


def input_radius(integer_bits: int, left_shift: int, total_bits: int = 31) -> int:
    """Largest magnitude of an integer that still fits Qm.n after a shift (TFLite's CalculateInputRadius)."""
    return math.floor(((1 << integer_bits) - 1) * math.ldexp(1.0, total_bits - integer_bits - left_shift))


_LOG_2 = _constant(math.log(2), 31)
_ROOT_HALF = _constant(math.sqrt(0.5), 31)
_FOURTH_ROOT_HALF = _constant(0.5**0.25, 31)
_LOG_NUMERATOR = _constant(11 / 240 * 2**0.25, 31)
_LOG_SQUARE = _constant(1 / 20 * 2**0.25, 31)
_LOG_CONSTANT = _constant(2 / 2**0.25 - 2**0.25, 31)
_LOG_LINEAR = _constant(1 / 4 * 2**0.25, 31)


def _leading_zeros(x: np.ndarray) -> np.ndarray:
    """Of positive 32-bit numbers."""
    return 32 - np.frexp(np.asarray(x, np.float64))[1]


def log_of_at_least_one(x: np.ndarray) -> np.ndarray:
    """log(x) in Q5.26 for x ≥ 1 in Q12.19, to the bit as TFLite's log_x_for_x_greater_than_or_equal_to_1.

    x is r · 2^k with r about the fourth root of a half, by the closer of two ways to normalize it; a Padé approximation
    around that root gives log(r) up to the constant that goes into k.
    """
    x = np.asarray(x, np.int64)
    quarter = 1 << 23  # in Q6.25, as the powers of two are
    high = _leading_zeros(x)
    r_high = _shift_left_saturated(doubling_high_mult(_shift_left_saturated(x, high - 1), _ROOT_HALF), 1)
    k_high = _shift_left_saturated(12 - high, 25) + quarter
    low = _leading_zeros(doubling_high_mult(x, _ROOT_HALF)) - 1
    r_low = _shift_left_saturated(x, low)
    k_low = _shift_left_saturated(12 - low, 25) - quarter
    r, k = np.minimum(r_high, r_low), np.maximum(k_high, k_low)
    p = (r + _FOURTH_ROOT_HALF + 1) >> 1
    q = 2 * (r - _FOURTH_ROOT_HALF)
    q2 = doubling_high_mult(q, q)
    numerator = doubling_high_mult(q, r) + doubling_high_mult(doubling_high_mult(q, q2), _LOG_NUMERATOR)
    inner = _LOG_CONSTANT + q + doubling_high_mult(_LOG_SQUARE, q2)
    denominator = doubling_high_mult(p, inner) + doubling_high_mult(_LOG_LINEAR, q)
    rest = doubling_high_mult(rounding_divide_by_pot(numerator, 6), reciprocal_of_one_plus(denominator))
    return _shift_left_saturated(doubling_high_mult(k, _LOG_2) + rest, 1)


def inverse_root(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(multiplier, shift) of 1 / sqrt(x), x in [0, 2^31), 0 counting as 1: TFLite's GetInvSqrtQuantizedMultiplierExp.

    x is brought to [1/2, 2) by an even shift; five Newton steps from 1, in Q3.28. multiplier in [0, 2^31), shift in
    [−13, 0].
    """
    x = np.maximum(np.asarray(x, np.int64), 1)
    right = np.where(x >= 1 << 29, 1, 0)
    right = np.where(x >> 2 >= 1 << 29, 2, right)
    normalized = x >> (2 * right)
    left = (_leading_zeros(normalized) - 1) // 2 - 1
    half = rounding_divide_by_pot((normalized << (2 * left)) >> 1, 1)
    y = np.full(x.shape, 1 << 28, np.int64)
    for _ in range(5):
        cube = _shift_left_saturated(doubling_high_mult(doubling_high_mult(y, y), y), 6)
        y = _shift_left_saturated(doubling_high_mult((1 << 28) + (1 << 27), y) - doubling_high_mult(half, cube), 3)
    y = doubling_high_mult(y, _ROOT_HALF)
    down = 11 + right - left
    multiplier = y << np.maximum(-down, 0)
    one = x == 1
    return np.where(one, INT32_MAX, multiplier), np.where(one, 0, -np.maximum(down, 0))


# --- of 16 bits ------------------------------------------------------------------------------------------------------


def _constant16(real: float, fractional_bits: int) -> int:
    """A constant of 16 bits: gemmlowp rounds the one of 32 bits again, ties away from zero."""
    return int(rounding_divide_by_pot(_constant(real, fractional_bits + 16), 16))


def _high_mult16(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """round(a · b / 2^15), ties up, saturated: the product of two numbers of 16 bits."""
    return np.minimum((np.asarray(a, np.int64) * b + (1 << 14)) >> 15, INT16_MAX)


def _shift_left16(x: np.ndarray, bits: int) -> np.ndarray:
    return np.clip(x << bits, INT16_MIN, INT16_MAX)


_EXP16_MINUS_EIGHTH = _constant16(math.exp(-1 / 8), 15)
_THIRD16 = _constant16(1 / 3, 15)
_EXP16_MINUS_POWER = {k: _constant16(math.exp(-(2.0**k)), 15) for k in range(-2, 5)}


def _exp_on_negative16(x: np.ndarray, integer_bits: int) -> np.ndarray:
    """exp(x) in Q0.15 for x ≤ 0 in Qm.n of 16 bits, m = `integer_bits` in [0, 7]; as `exp_on_negative`."""
    fractional_bits = 15 - integer_bits
    quarter = (1 << fractional_bits) >> 2
    rest = (x & (quarter - 1)) - quarter
    t = _shift_left16(rest, integer_bits) + (1 << 12)
    t2 = _high_mult16(t, t)
    t3 = _high_mult16(t2, t)
    t4 = _high_mult16(t2, t2)
    tail = _high_mult16(rounding_divide_by_pot(t4, 2) + t3, _THIRD16) + t2
    series = t + rounding_divide_by_pot(tail, 1)
    result = np.minimum(_EXP16_MINUS_EIGHTH + _high_mult16(_EXP16_MINUS_EIGHTH, series), INT16_MAX)
    multiple = rest - x
    for k, factor in _EXP16_MINUS_POWER.items():
        if k < integer_bits:
            bit = (multiple >> (fractional_bits + k)) & 1
            result = np.where(bit == 1, _high_mult16(result, factor), result)
    if integer_bits > 5:
        # beyond −32, which the bits above do not tell apart
        result = np.where(x < -(1 << (20 - integer_bits)), 0, result)
    return np.where(x == 0, INT16_MAX, result)


def _reciprocal16(x: np.ndarray) -> np.ndarray:
    """2 / (1 + x) in Q2.13 for x in [0, 1] in Q0.15."""
    half = (x + INT16_MAX + 1) >> 1
    y = _constant16(48 / 17, 13) + _high_mult16(half, _constant16(-32 / 17, 13))
    for _ in range(3):
        error = (1 << 13) - _high_mult16(half, y)
        y = y + _shift_left16(_high_mult16(y, error), 2)
    return y


def logistic16(x: np.ndarray, integer_bits: int = 3) -> np.ndarray:
    """1 / (1 + exp(−x)) in Q0.15 for x in Qm.n of 16 bits, m = `integer_bits`."""
    x = np.asarray(x, np.int64)
    positive = _shift_left16(_reciprocal16(_exp_on_negative16(-np.abs(x), integer_bits)), 1)
    return np.where(x == 0, 1 << 14, np.where(x > 0, positive, INT16_MAX - positive))


def tanh16(x: np.ndarray, integer_bits: int) -> np.ndarray:
    """tanh(x) in Q0.15 for x in Qm.n of 16 bits, m = `integer_bits` in [0, 6]."""
    x = np.asarray(x, np.int64)
    magnitude = _shift_left16(_reciprocal16(_exp_on_negative16(-np.abs(x), integer_bits + 1)) - (1 << 13), 2)
    return np.where(x == 0, 0, np.where(x < 0, -magnitude, magnitude))
