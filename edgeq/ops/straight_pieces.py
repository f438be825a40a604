"""A real function of fixed-point numbers as straight pieces: int32 to int32, both in steps of 2^−16.

Piece i begins at starts[i] with values[i] and rises by slopes[i] / 2^bits[i] a step:

    f(v) = saturate(values[i] + shifted((v − starts[i]) · slopes[i], bits[i])),    the last i with starts[i] ≤ v

Pieces are found by halving, until each is within one step and 2^−10 of the function's values, 2^−8 where that takes too
many, and then joined where fewer are as good.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from edgeq.fixedpoint import INT32_MAX, INT32_MIN
from edgeq.fixedpoint_scales import shifted

#: Fractional bits of arguments and values.
BITS = 16
#: Slopes are below 2 to this power, and have as many bits where there are no more than 62 behind the point.
SLOPE_BITS = 30
#: How near pieces are to the function: to 2 to minus this power of its values, the first that MOST pieces do for.
NEAR_BITS = (10, 9, 8)
#: Pieces at most: what needs more bends or jumps too often.
MOST = 400
#: Where a piece is compared with the function: at these parts of it, and at powers of two from either end.
_PARTS = np.arange(1, 16) / 16
_POWERS = 2.0 ** -np.arange(2, 33)
_WITHIN = np.unique(np.concatenate([_PARTS, _POWERS, 1 - _POWERS]))

Function = Callable[[np.ndarray], np.ndarray]


def pieces(function: Function) -> np.ndarray | None:
    """int32 (pieces, 4) of starts, values, slopes and their bits; None where MOST do not do.

    Args:
        function: float32 to float32; what it does not know is 0, beyond int32 it is limited.
    """
    wanted = _fixed(function)
    for near in NEAR_BITS:
        starts = _starts(wanted, near)
        if starts is not None:
            ends = [*starts[1:], INT32_MAX]
            found = [(start, *_line(wanted, start, end)) for start, end in zip(starts, ends, strict=True)]
            return np.array(found, np.int64).astype(np.int32)
    return None


def _starts(wanted: Function, near: int) -> list[int] | None:
    """Where the pieces begin; None where MOST do not do."""
    # either side of 0 for itself: where functions bend lies near an end
    ends = [INT32_MAX, 0]
    starts: list[int] = []
    low = INT32_MIN
    # the first halves of intervals that are still to be looked at lie on top
    while ends:
        if low == ends[-1]:
            ends.pop()
        elif _fits(wanted, low, ends[-1], near):
            starts.append(low)
            low = ends.pop()
        else:
            ends.append(low + (ends[-1] - low) // 2)
        if len(starts) + len(ends) > 4 * MOST:
            return None
    joined = _joined(wanted, [*starts, INT32_MAX], near)
    return joined if len(joined) <= MOST else None


def piecewise(table: np.ndarray, v: np.ndarray) -> np.ndarray:
    """int64 results for arguments int64."""
    table = table.astype(np.int64)
    return _on_line(v, *np.moveaxis(table[np.searchsorted(table[:, 0], v, side="right") - 1], -1, 0))


def _on_line(v: np.ndarray, start: np.ndarray, value: np.ndarray, slope: np.ndarray, bits: np.ndarray) -> np.ndarray:
    return np.clip(value + shifted((v - start) * slope, bits), INT32_MIN, INT32_MAX)


def _fixed(function: Function) -> Function:
    """The function of steps, in steps, as float64."""

    def steps(v: np.ndarray) -> np.ndarray:
        with np.errstate(all="ignore"):
            y = function(np.ldexp(np.asarray(v, np.float64), -BITS).astype(np.float32)).astype(np.float64)
            return np.clip(np.ldexp(np.nan_to_num(y, nan=0.0), BITS), INT32_MIN, INT32_MAX)

    return steps


def _line(wanted: Function, start: int, end: int) -> tuple[int, int, int]:
    """Value, slope and its bits of the piece from `start` to `end`."""
    first, last = wanted(np.array([start, end]))
    slope = float(last - first) / (end - start)
    bits = int(np.clip(SLOPE_BITS - math.frexp(slope)[1], 0, 62))
    # a single number has no slope
    return int(np.rint(first)), round(math.ldexp(slope, bits)) if end - start > 1 else 0, bits


def _fits(wanted: Function, start: int, end: int, near: int) -> bool:
    """Whether the piece is near enough to the function from `start` to before `end`."""
    return _is_near(wanted, start, end, near, np.unique(start + np.floor((end - start) * _WITHIN).astype(np.int64)))


def _joined(wanted: Function, bounds: list[int], near: int) -> list[int]:
    """The starts that are left when neighbours are joined as long as one piece does for both."""
    kept, inner = [bounds[0]], []
    for start, end in zip(bounds[1:], bounds[2:], strict=False):
        inner.append(start)
        if not (_fits(wanted, kept[-1], end, near) and _is_near(wanted, kept[-1], end, near, np.array(inner))):
            kept.append(start)
            inner = []
    return kept


def _is_near(wanted: Function, start: int, end: int, near: int, v: np.ndarray) -> bool:
    """Whether the piece from `start` to before `end` is near enough to the function at and around these."""
    line = np.array([start, *_line(wanted, start, end)], np.int64)
    v = (v[:, np.newaxis] + np.arange(-1, 2)).ravel()
    v = v[(v >= start) & (v < end)]
    exact = wanted(v)
    found = _on_line(v, *line)
    return bool(np.all(np.abs(found - exact) <= np.ldexp(np.abs(exact), -near) + 1.0))
