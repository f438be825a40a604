"""Requantization without 64-bit products, for cores that have none (ARMv6-M), proven to give the same results.

A channel's result is a step function of its accumulator a that takes at most 256 values, so that an approximation is
exact if it steps at the same places. Six words per channel, `m1, m2, low, high, c, d`:

    a' = a limited to [low, high];    out = (a' · m1 + (a' · m2 >> 13) + c − (d where a' < 0)) >> 22

low and high are the last accumulators before the first and behind the last step: limiting the accumulator limits the
result, to the activation's range too. m1 and m2 are the factor's bits, c and d its two roundings (ties of the first go
up, those of the second away from zero). Since both sides are monotone, agreement on both sides of every step is
agreement everywhere. Where it cannot be had the words are `-1, multiplier, addend, shift, low, high`: those of
`edgeq.kernels.packing`, then the limits of the result.
"""

from __future__ import annotations

import numpy as np

from edgeq.ir import frozen_array
from edgeq.kernels.packing import Channels
from edgeq.kernels.sums import RESULTS, steps_of
from edgeq.target import Cpu

# Bits behind the point of the sum, and of what m2 adds to m1.
POINT, LESSER = 22, 13
# Accumulators have to be below this, for products to fit 32 bits.
_REACH = 1 << 18
_TWEAKS = (0, 1, -1)


def narrow_flag(cpu: Cpu) -> np.ndarray:
    """One number: 1 for cores without 64-bit products."""
    return frozen_array(np.array([cpu.arch == "armv6-m"], np.int8))


def quant_words(channels: Channels, weights: np.ndarray, limits: tuple[int, int], cpu: Cpu) -> np.ndarray:
    """The requantization of each channel for a core: three words, or six where 64-bit products are missing.

    Args:
        weights: int8 (channels, …), of inputs within int8's range. limits: of the activation.
    """
    if not narrow_flag(cpu)[0]:
        return channels.quant
    return narrow_quant(channels, accumulator_bounds(channels, weights, 128), limits)


def narrow_quant(channels: Channels, bound: np.ndarray, limits: tuple[int, int]) -> np.ndarray:
    """The words, int32 (channels, 6).

    Args:
        bound: int64 (channels,), the largest magnitude of each channel's accumulator.
        limits: of the activation.
    """
    rows = [_channel(quant, int(reach), limits) for quant, reach in zip(channels.quant, bound, strict=True)]
    return np.array(rows, np.int64).astype(np.int32)


def accumulator_bounds(channels: Channels, weights: np.ndarray, reach: int) -> np.ndarray:
    """int64 (channels,): of sums of products with numbers of magnitudes up to `reach`, plus bias."""
    return np.abs(weights.reshape(len(weights), -1).astype(np.int64)).sum(axis=1) * reach + np.abs(channels.bias)


def within_int8(limits: tuple[int, int]) -> tuple[int, int]:
    """The limits of an activation."""
    return max(limits[0], -128), min(limits[1], 127)


def steps_of_channel(quant: np.ndarray, bound: int, limits: tuple[int, int]) -> tuple[int, np.ndarray]:
    """The least result of a channel, and the least accumulators, int64, that give each larger one.

    Args:
        quant: int64 (3,), as in `Channels`. bound: the largest magnitude of its accumulator. limits: of the activation,
            within int8.
    """
    ends = np.array([-bound, bound], np.int64)
    first, last = (int(v) for v in _exact(ends, quant, limits))
    (steps,) = steps_of(lambda a: _exact(a, quant, limits), ends[:1], ends[1:])
    return first, steps[first - RESULTS[0] + 1 : last - RESULTS[0] + 1]


def _exact(a: np.ndarray, quant: np.ndarray, limits: tuple[int, int]) -> np.ndarray:
    multiplier, addend, shift = (int(v) for v in quant)
    once = (a * multiplier + (1 << 30)) >> 31
    return np.clip((once - (once < 0) + addend) >> shift, *limits)


def _approximation(a: np.ndarray, words: tuple[int, ...]) -> np.ndarray:
    m1, m2, low, high, c, d = words
    a = np.clip(a, low, high)
    return (a * m1 + (a * m2 >> LESSER) + c - np.where(a < 0, d, 0)) >> POINT


def _channel(quant: np.ndarray, bound: int, limits: tuple[int, int]) -> tuple[int, ...]:
    limits = within_int8(limits)
    multiplier, addend, shift = (int(v) for v in quant)
    wide = (-1, multiplier, addend, shift, *limits)
    first, steps = steps_of_channel(quant, bound, limits)
    if not len(steps):
        return 0, 0, 0, 0, first << POINT, 0
    values = np.arange(first + 1, first + 1 + len(steps))
    low, high = int(steps[0]) - 1, int(steps[-1])
    if max(abs(low), abs(high)) >= _REACH or shift > POINT:
        return wide
    factor = round(multiplier * 2.0 ** (POINT + LESSER - 31 - shift))
    c = (addend << POINT - shift) + (1 << POINT - shift >> 1)
    for tweak in _TWEAKS:
        for less in (0, *(sign << bits for bits in range(1, 8) for sign in (1, -1))):
            m1, m2 = divmod(factor + tweak, 1 << LESSER)
            words = m1, m2, low, high, c + less, 1 << POINT - shift
            if np.array_equal(_approximation(steps, words), values) and np.array_equal(
                _approximation(steps - 1, words), values - 1
            ):
                return words
    return wide
