"""The logistic function and the hyperbolic tangent of int16: one table of the sigmoid, interpolated.

To the bit what TFLite's reference kernels compute (Logistic and Tanh of reference/integer_ops). Results have scale
2^−15.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from edgeq.ir import Tensor, frozen_array

# Entries that TFLite's table has one above the nearest integer.
_ONE_ABOVE = (
    *(4, 8, 12, 14, 15, 16, 17, 19, 20, 21, 22, 25, 27, 28, 29, 30, 31, 33, 34, 35, 37, 39, 40, 41, 43, 44, 45, 46),
    *(49, 50, 54, 62, 63, 64, 66, 82, 86, 93, 100, 103, 112, 116, 135, 255),
)


def _table() -> np.ndarray:
    nearest = np.floor(65536.0 / (1.0 + np.exp(-np.arange(256) / 24.0)) + 0.5).astype(np.int64)
    nearest[list(_ONE_ABOVE)] += 1
    return frozen_array(nearest)


#: sigmoid(i / 24) in Q0.16, i = 0 … 255.
TABLE = _table()


@dataclass(frozen=True)
class SigmoidParams:
    """multiplier, shift: round(x · multiplier / 2^shift) is the argument in units of 1/(3 · 4096)."""

    size: int
    multiplier: int
    shift: int


def sigmoid_params(x: Tensor, most_doubled: int) -> SigmoidParams:
    """Of an operand with zero point 0 (TFLite's SigmoidPrepare and TanhPrepare).

    Args:
        most_doubled: scales of 2^−12 up to 2^(−12 + most_doubled) count as powers of two; TFLite tells others by a
            tolerance of 0.001 in their logarithm.
    """
    scale = float(x.quant.scale[0])
    log2 = math.log2(scale)
    nearest = math.floor(log2 + 0.5)
    if abs(log2 - nearest) < 1e-3 and 0 <= 12 + nearest <= most_doubled:
        return SigmoidParams(x.size, 3 << (12 + nearest), 0)
    multiplier, shift = scale * 4096.0 * 3.0, 0
    while multiplier <= 32767.0 / 2.0 and shift <= 30:
        shift += 1
        multiplier *= 2.0
    return SigmoidParams(x.size, int(multiplier), shift)


def _argument(p: SigmoidParams, x: np.ndarray) -> np.ndarray:
    return (x.astype(np.int64) * p.multiplier + (1 << p.shift >> 1)) >> p.shift


def _interpolated(magnitude: np.ndarray, bits: int, saturated: int) -> np.ndarray:
    """The table at magnitude / 2^bits, in Q0.16 times 2^bits."""
    place = np.minimum(magnitude >> bits, 254)
    fraction = magnitude & ((1 << bits) - 1)
    y = (TABLE[place] << bits) + fraction * (TABLE[place + 1] - TABLE[place])
    return np.where(magnitude >> bits >= 255, saturated, y)


def logistic(p: SigmoidParams, x: np.ndarray) -> np.ndarray:
    """int16 results 2^15 / (1 + exp(−x))."""
    argument = _argument(p, x)
    y = _interpolated(np.abs(argument), 9, 0x7FFF << 10)
    y = np.where(argument >= 0, y + (1 << 9), (1 << 25) - y + (1 << 9) - 1)
    return (y >> 10).astype(np.int16)


def tanh(p: SigmoidParams, x: np.ndarray) -> np.ndarray:
    """int16 results 2^15 · tanh(x) = 2^15 · (2 / (1 + exp(−2·x)) − 1)."""
    argument = _argument(p, x)
    y = _interpolated(np.abs(argument), 8, 0xFFFF << 8)
    y = np.where(argument >= 0, y - (1 << 23) + (1 << 7), (1 << 23) - y + (1 << 7) - 1)
    return (y >> 8).astype(np.int16)
