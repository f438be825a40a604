"""Scales that are found at run time: numbers mantissa · 2^exponent, of which the integers of a block are multiples.

A scale is a pair of int32, arrays (…, 2), or the first two of a block's range (…, 3). The mantissa lies in
[2^30, 2^31 − 1]: every positive number in reach has one nearest pair, off by at most 2^−31 of itself. All this is
integers; edgeq_scales.h has the same functions, to the bit.
"""

from __future__ import annotations

import math

import numpy as np

from edgeq.fixedpoint import INT32_MAX, INT32_MIN

#: The smallest mantissa, as a power of two: that of a scale which is a power of two itself.
MANTISSA_BITS = 30
ONE = 1 << MANTISSA_BITS


def scale_of(real: float) -> tuple[int, int]:
    """(mantissa, exponent) nearest to a positive number."""
    fraction, exponent = math.frexp(real)
    mantissa = round(math.ldexp(fraction, MANTISSA_BITS + 1))
    if mantissa == 2 * ONE:
        mantissa, exponent = ONE, exponent + 1
    return mantissa, exponent - MANTISSA_BITS - 1


def pair(mantissa: np.ndarray, exponent: np.ndarray) -> np.ndarray:
    """The scales (…, 2) of these parts, int32."""
    return np.stack(np.broadcast_arrays(mantissa, exponent), axis=-1).astype(np.int32)


def parts(scale: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """int64 (mantissas, exponents)."""
    return scale[..., 0].astype(np.int64), scale[..., 1].astype(np.int64)


def product(scale: np.ndarray, mantissa: np.ndarray | int, exponent: np.ndarray | int) -> np.ndarray:
    """scale · mantissa · 2^exponent for a mantissa of a scale; what does not fit is cut off, below 2^−30 of it."""
    own, own_exponent = parts(scale)
    wide = own * mantissa
    bits = MANTISSA_BITS + (wide >> (2 * MANTISSA_BITS + 1))
    return pair(wide >> bits, own_exponent + exponent + bits)


def shifted(x: np.ndarray, bits: np.ndarray | int) -> np.ndarray:
    """x / 2^bits, rounded, ties up, saturated to int32: int64.

    Args:
        x: int64, |x| ≤ 2^62; where bits are negative, 0 or at least 2^30 in magnitude.
        bits: any; above 62 nothing is left of x.
    """
    x, bits = np.broadcast_arrays(np.asarray(x, np.int64), np.asarray(bits, np.int64))
    down = np.clip(bits, 1, 62)
    y = np.where(bits > 0, (x + (np.int64(1) << (down - 1))) >> down, x)
    y = np.where(bits > 62, 0, y)
    y = np.where(bits < 0, np.sign(x) << 32, y)
    return np.clip(y, INT32_MIN, INT32_MAX)


def in_steps(value: np.ndarray | int, exponent: int, scale: np.ndarray) -> np.ndarray:
    """value · 2^exponent / scale, rounded, ties up, saturated to int32: int64. |value| ≤ 2^31.

    The reciprocal of the mantissa is floor(2^61 / mantissa), at most 2^31 − 1: off by 2^−30 of itself.
    """
    mantissa, own = parts(scale)
    reciprocal = np.minimum((np.int64(1) << 61) // mantissa, INT32_MAX)
    return shifted(np.asarray(value, np.int64) * reciprocal, 61 - exponent + own)


def magnitude_bits(x: np.ndarray) -> np.ndarray:
    """floor(log2(x)) of integers in [1, 2^31]: int64."""
    return np.frexp(x.astype(np.float64))[1].astype(np.int64) - 1
