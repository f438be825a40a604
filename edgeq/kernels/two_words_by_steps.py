"""Two words of requantization (`two_words`) where the multiplier next to a channel's factor leaves an addend no room.

For an addend near the right one, every step from a result to the next bounds the multiplier: what reaches a result
times it must not stay below where the result begins, what does not reach it must. Any multiplier between the bounds
gives the results of both roundings, for the same reason as there.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from edgeq.fixedpoint import INT32_MAX, requantize
from edgeq.kernels.sums import RESULTS, steps_of

# Bits behind the point, and how far accumulators are shifted.
_POINT = BITS = 12
# Added to the addend that would be right if nothing lost bits, one after the other.
_ADDENDS = sorted(range(-16, 17), key=abs)


def two_words_by_steps(p: Any, bias: np.ndarray, lowest: np.ndarray, highest: np.ndarray) -> np.ndarray | None:
    """The words of accumulators that are shifted by `BITS`, int64 (channels, 2), or None where a channel has none.

    Args:
        p: parameters with multipliers and shifts (one per channel or one in all) and output_offset.
        bias: int64 (channels,), added to accumulators. lowest, highest: of the accumulators, int64 (channels,); shifted
            they fit 32 bits.
    """
    multiplier, shift = (np.broadcast_to(v, bias.shape).astype(np.int64) for v in (p.multipliers, p.shifts))
    steps = steps_of(lambda a: requantize(a.T + bias, multiplier, shift).T + p.output_offset, lowest, highest).T
    reached, passed = steps <= highest, steps > lowest
    # half a step of the result, and of the first rounding
    halves = 0.5 + np.where(shift < 0, np.ldexp(0.5, shift), 0)
    middle = np.rint((np.ldexp(multiplier * bias, shift - 31) + p.output_offset + halves) * (1 << _POINT))
    found = np.zeros((len(bias), 2), np.int64)
    missing = np.ones(bias.shape, bool)
    for higher in _ADDENDS:
        c = middle.astype(np.int64) + higher
        m = _multiplier(steps << BITS, (RESULTS[:, np.newaxis] << _POINT) - c, reached, passed)
        ends = np.stack([_scaled(lowest, m) + c, _scaled(highest, m) + c])
        good = missing & (m >= 0) & (np.abs(ends) <= INT32_MAX).all(axis=0)
        found[good] = np.stack([m, c], axis=1)[good]
        missing &= ~good
        if not missing.any():
            return found
    return None


def _scaled(a: np.ndarray, m: np.ndarray) -> np.ndarray:
    return ((a << BITS) * m + (1 << 31)) >> 32


def _multiplier(at: np.ndarray, begins: np.ndarray, reached: np.ndarray, passed: np.ndarray) -> np.ndarray:
    """Of each channel one, of int32, whose rounded product with `at`, steps shifted by `BITS`, is `begins` or more
    where it is reached, and with what comes before it less where it is passed; -1 where there is none.

    All arguments (results, channels).
    """
    # as x · m ≥ y: what must not reach a number is negated
    x = np.concatenate([at, (1 << BITS) - at])
    y = (begins << 32) - (1 << 31)
    y = np.concatenate([y, 1 - y])
    bounds = np.concatenate([reached, passed])
    divisor = np.maximum(np.abs(x), 1)
    least = np.where(bounds & (x > 0), -(-y // divisor), 0).max(axis=0)
    most = np.where(bounds & (x < 0), -y // divisor, INT32_MAX).min(axis=0)
    impossible = (bounds & (x == 0) & (y > 0)).any(axis=0)
    least, most = np.maximum(least, 0), np.minimum(most, INT32_MAX)
    return np.where(impossible | (least > most), -1, least + most >> 1)
