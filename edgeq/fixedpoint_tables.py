"""Functions of one int16 argument by tables of 513 results, interpolated, to the bit as TFLite's LUTPopulate and
LUTLookup compute them.

The table's entries stand 128 steps of the argument apart, from −2^15 to 2^15 − 1 (the last interval is one step
shorter than it counts as). Entries are moved by half of the error at their interval's middle, so that the error of a
bent function shows on both sides of it.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

STEPS = 512
_LOW, _HIGH = -(1 << 15), (1 << 15) - 1


def interpolated_table(
    function: Callable[[np.ndarray], np.ndarray], low: float, high: float, scale: float, real: type = np.float64
) -> np.ndarray:
    """int16 (513,): a function over [low, high] in steps of `scale`.

    Args:
        low, high: what −2^15 and 2^15 − 1 stand for. real: the type that all of it is computed in, and that `function`
            takes and gives.
    """
    low, high, scale = real(low), real(high), real(scale)
    step = (high - low) / real(STEPS)
    per_step = real(1 << 16) / (scale * real(_HIGH) - scale * real(_LOW))
    index = np.arange(STEPS).astype(real)
    start = low + index * step
    with np.errstate(over="ignore", invalid="ignore"):
        value, middle, following, last = (
            function(x.astype(real)) * per_step
            for x in (start, start + step / real(2), low + (index + real(1)) * step, np.atleast_1d(high))
        )
        sample = _rounded(value)
        error = _rounded((following + sample) / real(2)) - _rounded(middle)
        table = np.append(sample - _rounded(error / real(2)), _rounded(last))
    # ∞ − ∞, which C leaves undefined and x86 converts to 0
    return np.nan_to_num(np.clip(table, _LOW, _HIGH), nan=0.0).astype(np.int16)


def interpolate(table: np.ndarray, value: np.ndarray) -> np.ndarray:
    """The table at int16 values; int64. An entry's distance from the next counts modulo 2^16, as in TFLite."""
    value = np.asarray(value, np.int64)
    index = (1 << 8) + (value >> 7)
    base = table[index].astype(np.int64)
    slope = (table[index + 1] - base + (1 << 15) & 0xFFFF) - (1 << 15)
    result = base + ((slope * (value & 0x7F) + 64) >> 7)
    return (result + (1 << 15) & 0xFFFF) - (1 << 15)


def without_wrapping(table: np.ndarray) -> np.ndarray:
    """The table with every entry at most 2^15 − 1 from the one before, so that `interpolate` goes the straight way: a
    larger jump takes two or three intervals."""
    gentle = table.astype(np.int64)
    for i in np.flatnonzero(np.abs(np.diff(gentle)) > _HIGH):
        for j in range(i + 1, len(gentle)):
            limited = np.clip(gentle[j], gentle[j - 1] - _HIGH, gentle[j - 1] + _HIGH)
            if limited == gentle[j]:
                break
            gentle[j] = limited
    return gentle.astype(np.int16)


def _rounded(x: np.ndarray) -> np.ndarray:
    """Ties away from zero, in the same type; the sum with a half has to be exact."""
    return (np.sign(x) * np.floor(np.abs(x.astype(np.float64)) + 0.5)).astype(x.dtype)
