"""Requantization of layers with a ReLU in fewer instructions, proven to give the same results.

The two roundings of `edgeq.fixedpoint.requantize` differ from one only below zero, where ties go the other way. Where
a ReLU hides what lies there, one multiplication and one addition step at the same places; since both sides are
monotone, agreement on both sides of every step is agreement for every accumulator. Words per channel:

- on cores with 64-bit products, `m, low, high`, the last two of one number c of 64 bits:
  out = (a · m + c) >> 35, saturated to int8;
- on cores without (ARMv6-M), `m1, m2, limit, c`: with a' = a limited to [0, limit],
  out = (a' · m1 + (a' · m2 >> 13) + c) >> 22. The accumulator's bias is such that 0 is the last one before the first
  step.

A layer has these words for all of its channels or for none.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from edgeq.fixedpoint import INT32_MAX, requantize
from edgeq.kernels.narrow_quant import (
    LESSER,
    POINT,
    accumulator_bounds,
    narrow_flag,
    steps_of_channel,
    within_int8,
)
from edgeq.kernels.packing import Channels
from edgeq.kernels.sums import RESULTS, steps_of, sums_between
from edgeq.target import Cpu

# Bits behind the point of 64-bit sums, as the kernels know them.
_WIDE_POINT = 35
# Accumulators above the first step have to be below this, for unsigned products to fit 32 bits.
_REACH = 1 << 19
_TWEAKS = (0, 1, -1)


@dataclass(frozen=True, eq=False)
class ShortQuant:
    """The requantization of a layer's channels.

    Attributes:
        bias: int64 (channels,), in place of that of `Channels`.
        words: int64 (channels, 3), or (channels, 4) for cores without 64-bit products.
    """

    bias: np.ndarray
    words: np.ndarray


def short_quant(channels: Channels, weights: np.ndarray, limits: tuple[int, int], cpu: Cpu) -> ShortQuant | None:
    """The words for a core, or None where a channel has none.

    Args:
        weights: int8 (channels, …), of inputs within int8's range. limits: of the activation.
    """
    limits = within_int8(limits)
    bounds = accumulator_bounds(channels, weights, 128)
    each = zip(channels.quant, bounds, strict=True)
    found = (
        _Steps(int(quant[0]), int(quant[2]), -int(bound), int(bound), *steps_of_channel(quant, int(bound), limits))
        for quant, bound in each
    )
    return _words(channels.bias, found, limits, cpu, 0)


def short_quant_of_any(
    p: Any, weights: np.ndarray, bias: np.ndarray, limits: tuple[int, int], cpu: Cpu, large: int
) -> ShortQuant | None:
    """The same of factors of any size. If `large` is not 0, words of 64-bit products are for 2^large times an
    accumulator, and where there are none the result is saturated to int8.

    Args:
        p: parameters with multipliers and shifts (one per channel or one in all) and output_offset.
        weights: int8 (channels, …), of inputs within int8's range. bias: int64 (channels,), added to their sums.
        limits: of the activation.
    """
    limits = within_int8(limits)
    lowest, highest = (bias + end for end in sums_between(weights))
    multipliers, shifts = (np.broadcast_to(each, bias.shape).astype(np.int64) for each in (p.multipliers, p.shifts))
    if (np.maximum(-lowest, highest) << np.maximum(shifts, large)).max(initial=0) > INT32_MAX or multipliers.min(
        initial=0
    ) < 0:
        return None

    def exact(a: np.ndarray) -> np.ndarray:
        return np.clip(requantize(a.T, multipliers, shifts).T + p.output_offset, *limits)

    steps = steps_of(exact, lowest, highest)
    first, last = exact(lowest[:, np.newaxis])[:, 0], exact(highest[:, np.newaxis])[:, 0]
    found = (
        _Steps(int(m), -int(shift), *(int(v) for v in ends), row[ends[2] - RESULTS[0] + 1 : high - RESULTS[0] + 1])
        for m, shift, high, row, *ends in zip(multipliers, shifts, last, steps, lowest, highest, first, strict=True)
    )
    return _words(bias, found, limits, cpu, large)


@dataclass(frozen=True, eq=False)
class _Steps:
    """Of a channel: its factor, multiplier · 2^(−31 − shift); the ends of its accumulator; the result before the first
    step, and the accumulators that step, int64."""

    multiplier: int
    shift: int
    lowest: int
    highest: int
    first: int
    at: np.ndarray


def _words(
    bias: np.ndarray, channels: Iterable[_Steps], limits: tuple[int, int], cpu: Cpu, large: int
) -> ShortQuant | None:
    is_narrow = bool(narrow_flag(cpu)[0])
    if not is_narrow and limits != (-128, 127):
        return None
    bias, words = bias.copy(), []
    for number, channel in enumerate(channels):
        if is_narrow:
            start = int(channel.at[0]) - 1 if len(channel.at) else 0
            found = _narrow(replace(channel, at=channel.at - start), saturated=large > 0)
            bias[number] -= start
        else:
            found = _wide(channel, large)
        if found is None:
            return None
        words.append(found)
    return ShortQuant(bias, np.array(words, np.int64))


def _addends(products: tuple[np.ndarray, np.ndarray], first: int, point: int) -> tuple[int, int]:
    """The least addend, and the end of those, with which sums of `point` bits behind the point step where they shall.

    Args:
        products: of the accumulator at each step and of the one before. first: the result before the first step.
    """
    at, before = products
    goals = [(first + 1 + n) << point for n in range(len(at))]
    lowest = max(goal - int(product) for goal, product in zip(goals, at, strict=True))
    end = min(goal - int(product) for goal, product in zip(goals, before, strict=True))
    return lowest, end


def _wide(channel: _Steps, large: int) -> tuple[int, int, int] | None:
    """Of accumulators times 2^large."""
    first, steps = channel.first, channel.at << large
    if not len(steps):
        return 0, 0, first << _WIDE_POINT - 32
    less = channel.shift - 1 - (_WIDE_POINT - 32) + large
    if less < 0:
        return None
    last = first + len(steps)
    for tweak in _TWEAKS:
        m = (channel.multiplier + (1 << less >> 1) >> less) + tweak
        if not 0 < m < 1 << 31:
            continue
        # products of 49 bits: a little more than 18 of the accumulator at a step, 31 of m
        lowest, end = _addends((steps * m, (steps - (1 << large)) * m), first, _WIDE_POINT)
        if first > -128:
            lowest = max(lowest, (first << _WIDE_POINT) - (channel.lowest << large) * m)
        if last < 127:
            end = min(end, (last + 1 << _WIDE_POINT) - (channel.highest << large) * m)
        if lowest < end:
            c = lowest + end >> 1
            return m, c & 0xFFFFFFFF, c >> 32
    return None


def _narrow(channel: _Steps, saturated: bool) -> tuple[int, int, int, int] | None:
    """Of accumulators counted from the last one before the first step; saturated: results are brought to int8."""
    first, steps = channel.first, channel.at
    if not len(steps):
        return 0, 0, 0, first << POINT
    limit = int(steps[-1])
    if limit >= _REACH:
        return None
    factor = round(channel.multiplier * 2.0 ** (POINT + LESSER - 31 - channel.shift))
    for tweak in _TWEAKS:
        m1, m2 = divmod(factor + tweak, 1 << LESSER)
        products = tuple(a * m1 + (a * m2 >> LESSER) for a in (steps, steps - 1))
        lowest, end = _addends(products, first, POINT)
        largest = limit * m1 + (limit * m2 >> LESSER)
        # steps by more than one must not lead beyond the first and the last result
        if first > -128 or not saturated:
            lowest = max(lowest, first << POINT)
        if first + len(steps) < 127 or not saturated:
            end = min(end, (first + len(steps) + 1 << POINT) - largest)
        c = lowest + end >> 1
        if lowest < end and m1 >= 0 and max(largest, abs(c), abs(largest + c)) < 1 << 31:
            return m1, m2, limit, c
    return None
