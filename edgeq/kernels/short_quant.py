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

from dataclasses import dataclass

import numpy as np

from edgeq.kernels.narrow_quant import LESSER, POINT, accumulator_bounds, narrow_flag, steps_of_channel
from edgeq.kernels.packing import Channels
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
    limits = max(limits[0], -128), min(limits[1], 127)
    bounds = accumulator_bounds(channels, weights, 128)
    is_narrow = bool(narrow_flag(cpu)[0])
    if not is_narrow and limits != (-128, 127):
        return None
    bias, words = channels.bias.copy(), []
    for channel, (quant, bound) in enumerate(zip(channels.quant, bounds, strict=True)):
        first, steps = steps_of_channel(quant, int(bound), limits)
        if is_narrow:
            start = int(steps[0]) - 1 if len(steps) else 0
            found = _narrow(quant, first, steps - start)
            bias[channel] -= start
        else:
            found = _wide(quant, int(bound), first, steps)
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


def _wide(quant: np.ndarray, bound: int, first: int, steps: np.ndarray) -> tuple[int, int, int] | None:
    multiplier, _, shift = (int(v) for v in quant)
    if not len(steps):
        return 0, 0, first << _WIDE_POINT - 32
    less = shift - 1 - (_WIDE_POINT - 32)
    if less < 0:
        return None
    last = first + len(steps)
    for tweak in _TWEAKS:
        m = (multiplier + (1 << less >> 1) >> less) + tweak
        if not 0 < m < 1 << 31:
            continue
        # products of 49 bits: a little more than 18 of the accumulator at a step, 31 of m
        lowest, end = _addends((steps * m, (steps - 1) * m), first, _WIDE_POINT)
        if first > -128:
            lowest = max(lowest, (first << _WIDE_POINT) + bound * m)
        if last < 127:
            end = min(end, (last + 1 << _WIDE_POINT) - bound * m)
        if lowest < end:
            c = lowest + end >> 1
            return m, c & 0xFFFFFFFF, c >> 32
    return None


def _narrow(quant: np.ndarray, first: int, steps: np.ndarray) -> tuple[int, int, int, int] | None:
    """steps: counted from the last accumulator before the first one."""
    multiplier, _, shift = (int(v) for v in quant)
    if not len(steps):
        return 0, 0, 0, first << POINT
    limit = int(steps[-1])
    if limit >= _REACH:
        return None
    factor = round(multiplier * 2.0 ** (POINT + LESSER - 31 - shift))
    for tweak in _TWEAKS:
        m1, m2 = divmod(factor + tweak, 1 << LESSER)
        products = tuple(a * m1 + (a * m2 >> LESSER) for a in (steps, steps - 1))
        lowest, end = _addends(products, first, POINT)
        c = lowest + end >> 1
        largest = limit * m1 + (limit * m2 >> LESSER)
        if lowest < end and m1 >= 0 and max(largest, abs(c), abs(largest + c)) < 1 << 31:
            return m1, m2, limit, c
    return None
