"""exp and 1 / (1 + x) in fixed point, to the bit as gemmlowp's fixedpoint.h defines them (the softmax of TFLite and of
CMSIS-NN follows it).

"Qm.n" is a 32-bit number with m integer and n fractional bits, m + n = 31. Arrays hold such numbers in int64.
"""

from __future__ import annotations

import math

import numpy as np

from edgeq.fixedpoint import INT32_MAX, INT32_MIN, doubling_high_mult, rounding_divide_by_pot


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
