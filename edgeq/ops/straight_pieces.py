"""A real function of fixed-point numbers as straight pieces: int32 to int32, both in steps of 2^−16.

Piece i begins at starts[i] with values[i] and rises by slopes[i] / 2^15 a step:

    f(v) = saturate(values[i] + floor(((v − starts[i]) · slopes[i] + 2^14) / 2^15)),    the last i with starts[i] ≤ v

Pieces are found by halving, until each is within 2^−10 of the function's values and one step, and then joined where
fewer are as good.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from edgeq.fixedpoint import INT32_MAX, INT32_MIN

#: Fractional bits of arguments and values, and of slopes.
BITS = 16
SLOPE_BITS = 15
#: How near pieces are to the values of the function: to this power of 2 of them.
NEAR_BITS = 10
#: Pieces at most: what needs more bends or jumps too often.
MOST = 400
#: Where a piece is compared with the function: at these parts of it, and at powers of two from either end.
_PARTS = np.arange(1, 16) / 16
_POWERS = 2.0 ** -np.arange(2, 33)
_WITHIN = np.unique(np.concatenate([_PARTS, _POWERS, 1 - _POWERS]))

Function = Callable[[np.ndarray], np.ndarray]


def pieces(function: Function) -> np.ndarray | None:
    """int32 (pieces, 3) of starts, values and slopes; None where MOST do not do.

    Args:
        function: float32 to float32; what it does not know is 0, beyond int32 it is limited.
    """
    wanted = _fixed(function)
    # either side of 0 for itself: where functions bend lies near an end
    ends = [INT32_MAX, 0]
    starts: list[int] = []
    low = INT32_MIN
    # the first halves of intervals that are still to be looked at lie on top
    while ends:
        if low == ends[-1]:
            ends.pop()
            continue
        if _fits(wanted, low, ends[-1]):
            starts.append(low)
            low = ends.pop()
        else:
            ends.append(low + (ends[-1] - low) // 2)
        if len(starts) + len(ends) > 4 * MOST:
            return None
    joined = _joined(wanted, [*starts, INT32_MAX])
    if len(joined) > MOST:
        return None
    return np.array(
        [(start, *_line(wanted, start, end)) for start, end in zip(joined, [*joined[1:], INT32_MAX], strict=True)],
        np.int64,
    ).astype(np.int32)


def piecewise(table: np.ndarray, v: np.ndarray) -> np.ndarray:
    """int64 results for arguments int64."""
    table = table.astype(np.int64)
    start, value, slope = np.moveaxis(table[np.searchsorted(table[:, 0], v, side="right") - 1], -1, 0)
    return _on_line(v, start, value, slope)


def _on_line(v: np.ndarray, start: np.ndarray, value: np.ndarray, slope: np.ndarray) -> np.ndarray:
    y = value + (((v - start) * slope + (1 << (SLOPE_BITS - 1))) >> SLOPE_BITS)
    return np.clip(y, INT32_MIN, INT32_MAX)


def _fixed(function: Function) -> Function:
    """The function of steps, in steps, as float64."""

    def steps(v: np.ndarray) -> np.ndarray:
        with np.errstate(all="ignore"):
            y = function(np.ldexp(np.asarray(v, np.float64), -BITS).astype(np.float32)).astype(np.float64)
            return np.clip(np.ldexp(np.nan_to_num(y, nan=0.0), BITS), INT32_MIN, INT32_MAX)

    return steps


def _line(wanted: Function, start: int, end: int) -> tuple[int, int]:
    """Value and slope of the piece from `start` to `end`."""
    first, last = wanted(np.array([start, end]))
    slope = np.rint((last - first) / (end - start) * (1 << SLOPE_BITS))
    return int(np.rint(first)), int(np.clip(slope, INT32_MIN, INT32_MAX))


def _fits(wanted: Function, start: int, end: int) -> bool:
    """Whether the piece is near enough to the function from `start` to before `end`."""
    return _is_near(wanted, start, end, np.unique(start + np.floor((end - start) * _WITHIN).astype(np.int64)))


def _joined(wanted: Function, bounds: list[int]) -> list[int]:
    """The starts that are left when neighbours are joined as long as one piece does for both."""
    kept, inner = [bounds[0]], []
    for start, end in zip(bounds[1:], bounds[2:], strict=False):
        inner.append(start)
        if not (_fits(wanted, kept[-1], end) and _is_near(wanted, kept[-1], end, np.array(inner))):
            kept.append(start)
            inner = []
    return kept


def _is_near(wanted: Function, start: int, end: int, v: np.ndarray) -> bool:
    """Whether the piece from `start` to before `end` is near enough to the function at and around these."""
    value, slope = _line(wanted, start, end)
    v = (v[:, np.newaxis] + np.arange(-1, 2)).ravel()
    v = v[(v >= start) & (v < end)]
    exact = wanted(v)
    found = _on_line(v, np.int64(start), np.int64(value), np.int64(slope))
    return bool(np.all(np.abs(found - exact) <= np.ldexp(np.abs(exact), -NEAR_BITS) + 1.0))
