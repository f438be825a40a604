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

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

import numpy as np

from edgeq.fixedpoint import INT32_MAX, requantize
from edgeq.kernels.sums import RESULTS, steps_of, sums_between

# Bits behind the point.
_POINT, _FINE_POINT = 12, 18
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

    def exact(a: np.ndarray) -> np.ndarray:
        return requantize(a.T + bias, multiplier, shift).T + p.output_offset

    power = shift + point - 31 if bits is None else shift + point + 1 - moved
    factor = np.rint(np.ldexp(multiplier.astype(np.float64), power)).astype(np.int64)
    return fitting_words(exact, scaled, lowest, highest, factor, RESULTS[:, np.newaxis] << point, room=1 << point)


def fitting_words(
    exact: Callable[[np.ndarray], np.ndarray],
    scaled: Callable[[np.ndarray, np.ndarray], np.ndarray],
    lowest: np.ndarray,
    highest: np.ndarray,
    factor: np.ndarray,
    edges: np.ndarray,
    *,
    room: int,
    tweaks: Iterable[int] = _TWEAKS,
    largest: int = INT32_MAX,
) -> np.ndarray | None:
    """Multipliers m and addends c, int64 (channels, 2), for which scaled(a, m) + c reaches a result's edge exactly
    where exact(a) reaches the result, and no sum leaves 32 bits; None where a channel has none.

    Args:
        exact: from accumulators (channels, n) to results; monotone. scaled: of accumulators (n, channels) and
            multipliers (channels,); monotone in a.
        lowest, highest: of the accumulators, int64 (channels,). factor: about what m is, (channels,).
        edges: of `RESULTS`, (255, channels) or one for all. room: c's where nothing bounds it on one side.
        tweaks: what is added to the factor, one after the other. largest: of m.
    """
    steps = steps_of(exact, lowest, highest).T
    found = np.zeros((len(lowest), 2), np.int64)
    missing = np.ones(len(lowest), bool)
    for tweak in tweaks:
        if not missing.any():
            break
        m = np.clip(factor + tweak, 0, largest)
        least = np.where(steps <= highest, edges - scaled(steps, m), -INT32_MAX).max(axis=0)
        most = np.where(steps > lowest, edges - scaled(steps - 1, m) - 1, INT32_MAX).min(axis=0)
        # what nothing bounds stays near the other bound
        least, most = (
            np.where(least == -INT32_MAX, most - room, least),
            np.where(most == INT32_MAX, least + room, most),
        )
        c = (least + most) >> 1
        ends = np.stack([scaled(lowest, m) + c, scaled(highest, m) + c])
        good = missing & (least <= most) & (np.abs(ends) <= INT32_MAX).all(axis=0)
        found[good] = np.stack([m, c], axis=1)[good]
        missing &= ~good
    return None if missing.any() else found


def paired_quant(
    p: Any, weights: np.ndarray, bias: np.ndarray, pairs: np.ndarray, shifts: tuple[int, int]
) -> np.ndarray | None:
    """The words of channels whose sums share a word, 2^14 b + a: int64 (pairs, 2, 2).

    Args:
        weights: int8 (channels, …), multiplied with int8. bias: as above. pairs: channels a and b, (pairs, 2).
        shifts: by how many bits a is shifted, and b.
    """
    lowest, highest = sums_between(weights)
    each = pairs.ravel()
    bits = np.tile(shifts, len(pairs))
    several = replace(p, multipliers=_each(p.multipliers, bias)[each], shifts=_each(p.shifts, bias)[each])
    found = two_words(several, bias[each], lowest[each], highest[each], bits)
    return None if found is None else found.reshape(*pairs.shape, 2)


def _each(values: np.ndarray, channels: np.ndarray) -> np.ndarray:
    return np.broadcast_to(values, channels.shape)
