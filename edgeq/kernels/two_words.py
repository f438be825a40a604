"""Requantization of small accumulators by one multiplication and one saturation, proven to give the same results.

A channel's result is a step function of its accumulator a, the products' sum without the bias. Two words give it:

    y = round(a · 2^bits · m / 2^32), ties up;    out = (y + c) >> 12, saturated to int8

a · 2^bits fits 32 bits. The step to each value v has to come at the same accumulator: with t(v) the least that yields v
or more, y(t) + c must not be below v · 2^12, and y(t − 1) + c must be. Both sides are monotone, so agreement at the
steps is agreement everywhere; c, which contains the bias and the output's offset, may be anything between the bounds
that all steps set. Mostly there are none where ties of negative results matter: two roundings take them away from zero.

Of few products, where `bits` is None, 32 bits of the product will do: y = a · m, with 18 bits behind the point.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from edgeq.fixedpoint import INT32_MAX, requantize

# Bits behind the point.
_POINT, _FINE_POINT = 12, 18
_VALUES = np.arange(-127, 128, dtype=np.int64)[:, np.newaxis]
_TWEAKS = (0, 1, -1)


def two_words(
    p: Any, bias: np.ndarray, lowest: np.ndarray, highest: np.ndarray, bits: np.ndarray | None
) -> np.ndarray | None:
    """The words, int64 (channels, 2), or None where a channel has none.

    Args:
        p: parameters with multipliers and shifts (one per channel or one in all) and output_offset.
        bias: integers (channels,), added to accumulators. lowest, highest: of the accumulators, int64 (channels,).
        bits: how far accumulators are shifted, (channels,).
    """
    bias = np.asarray(bias, np.int64)
    multiplier, shift = (_each(v, bias).astype(np.int64) for v in (p.multipliers, p.shifts))
    moved = np.zeros(bias.shape, np.int64) if bits is None else np.asarray(bits, np.int64)
    point = _FINE_POINT if bits is None else _POINT
    if max(np.abs(bias + lowest).max(initial=0), np.abs(bias + highest).max(initial=0)) > INT32_MAX:
        return None
    if ((-lowest << moved) > INT32_MAX + 1).any() or ((highest << moved) > INT32_MAX).any():
        return None

    def scaled(a: np.ndarray, m: np.ndarray) -> np.ndarray:
        return a * m if bits is None else ((a << moved) * m + (1 << 31)) >> 32

    steps = _steps(lambda a: requantize(a + bias, multiplier, shift) + p.output_offset, lowest, highest)
    power = shift + point - 31 if bits is None else shift + point + 1 - moved
    factor = np.rint(np.ldexp(multiplier.astype(np.float64), power)).astype(np.int64)
    edge = _VALUES << point
    found = np.zeros((len(bias), 2), np.int64)
    missing = np.ones(bias.shape, bool)
    for tweak in _TWEAKS:
        m = np.clip(factor + tweak, 0, INT32_MAX)
        least = np.where(steps <= highest, edge - scaled(steps, m), -INT32_MAX).max(axis=0)
        most = np.where(steps > lowest, edge - scaled(steps - 1, m) - 1, INT32_MAX).min(axis=0)
        # what nothing bounds stays near the other bound
        least, most = np.maximum(least, most - (1 << point)), np.minimum(most, least + (1 << point))
        c = (least + most) >> 1
        ends = np.stack([scaled(lowest, m) + c, scaled(highest, m) + c])
        good = missing & (least <= most) & (np.abs(ends) <= INT32_MAX).all(axis=0)
        found[good] = np.stack([m, c], axis=1)[good]
        missing &= ~good
    return None if missing.any() else found


def _steps(exact: Callable[[np.ndarray], np.ndarray], lowest: np.ndarray, highest: np.ndarray) -> np.ndarray:
    """The least accumulators that give each value or more, (values, channels); one above all where none does."""
    below, steps = np.broadcast_to(lowest - 1, (len(_VALUES), len(lowest))), highest + np.ones_like(_VALUES)
    while (steps - below).max(initial=0) > 1:
        middle = (below + steps) >> 1
        reached = exact(middle) >= _VALUES
        below, steps = np.where(reached, below, middle), np.where(reached, middle, steps)
    return steps


def paired_quant(p: Any, weights: np.ndarray, bias: np.ndarray, pairs: np.ndarray) -> np.ndarray | None:
    """The words of channels whose sums share a word, 2^14 b + a: int64 (pairs, 2, 2). a is shifted by 18 bits, b by 14.

    Args:
        weights: int8 (channels, …), multiplied with int8. bias: as above. pairs: channels a and b, (pairs, 2).
    """
    lowest, highest = sums_of_int8(weights)
    each = pairs.ravel()
    bits = np.tile([18, 14], len(pairs))
    several = replace(p, multipliers=_each(p.multipliers, bias)[each], shifts=_each(p.shifts, bias)[each])
    found = two_words(several, bias[each], lowest[each], highest[each], bits)
    return None if found is None else found.reshape(*pairs.shape, 2)


def _each(values: np.ndarray, channels: np.ndarray) -> np.ndarray:
    return np.broadcast_to(values, channels.shape)


def sums_of_int8(weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The lowest and the highest sum of products with int8 inputs, int64 (channels,). weights: int8 (channels, …)."""
    rows = weights.reshape(len(weights), -1).astype(np.int64)
    above, below = np.maximum(rows, 0).sum(axis=1), np.minimum(rows, 0).sum(axis=1)
    return -128 * above + 127 * below, 127 * above - 128 * below
