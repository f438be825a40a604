"""Requantization by one shift for all channels of a layer whose results are cut off at its zero point, −128.

SSAT shifts by a constant on its way, so a result takes two instructions where the shift is none of the channel's:

    out = (⌊d · multiplier / 2^32⌋ + addend) >> shift, saturated to int8

for an accumulator a that comes as d = a · 2^(1 + finer). The two roundings of `edgeq.fixedpoint.requantize` cut the
accumulators into ranges, one for each result; multiplier and addend are taken only where they cut at the same places,
which is looked up for every place there is: nothing rests on how they were found.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgeq.fixedpoint import INT32_MAX
from edgeq.kernels.packing import Channels
from edgeq.kernels.sums import RESULTS, steps_of

# EDGEQ_ONE_SHIFT of edgeq_dsp.h.
SHIFT = 12
# What is finer about 256 times a sum: that is what words with weights of two channels give.
BY_256 = range(7, 8)
# Added to the addend that would be right if multipliers lost no bits, one after the other.
_ADDENDS = sorted(range(-16, 17), key=abs)


@dataclass(frozen=True, eq=False)
class OneShift:
    """`quant`: words multiplier and addend of the channels, (channels, 2); `finer`: see above, (channels,)."""

    quant: np.ndarray
    finer: np.ndarray


def one_shift(channels: Channels, lowest: np.ndarray, highest: np.ndarray, finer: range) -> OneShift | None:
    """The words of all channels, or None where one has none.

    Args:
        channels: made for the zero point −128.
        lowest, highest: of each channel's accumulators, the bias included; integers (channels,).
        finer: what each channel may choose from; with one element, the same for all.
    """
    multiplier, addend, right = channels.quant.T
    # a channel without a factor is a constant: shift and addend alone make it
    constant = multiplier == 0
    wanted = np.where(constant, finer[0], np.clip(SHIFT - right, finer[0], finer[-1]))
    lost = np.where(constant, 0, right + wanted - SHIFT)
    if lost.min(initial=0) < 0:
        return None
    nearest = (multiplier + (1 << lost >> 1)) >> lost
    middle = np.where(
        constant,
        (addend >> right) << SHIFT,
        (-128 << SHIFT) + (1 << SHIFT - 1) + np.where(right < SHIFT, 1 << np.maximum(SHIFT - right, 1) - 1, 0),
    )
    largest = np.maximum(np.abs(lowest), np.abs(highest)) << 1 + wanted
    if largest.max(initial=0) > INT32_MAX:
        return None
    edges = steps_of(lambda a: _finished(a, channels.quant), lowest, highest)
    quant = np.stack([nearest, middle], axis=1)
    left = np.flatnonzero(~_cuts_at(edges, quant, wanted, lowest, highest))
    for higher in _ADDENDS:
        if not left.size:
            break
        trial = quant[left]
        trial[:, 1] = middle[left] + higher
        trial[:, 0] = _multiplier(edges[left], trial[:, 1], wanted[left], lowest[left], highest[left])
        fits = _cuts_at(edges[left], trial, wanted[left], lowest[left], highest[left])
        quant[left[fits]] = trial[fits]
        left = left[~fits]
    return None if left.size else OneShift(quant, wanted)


def _multiplier(
    edges: np.ndarray, addend: np.ndarray, finer: np.ndarray, lowest: np.ndarray, highest: np.ndarray
) -> np.ndarray:
    """Of each channel one that lifts edges, and nothing below them, to where results begin; anything if none does."""
    begins = (RESULTS << SHIFT) - addend[:, np.newaxis] << 32
    at, below = ((each << 1 + finer[:, np.newaxis]) for each in (edges, edges - 1))
    reached, passed = (at > 0) & (edges <= highest[:, np.newaxis]), (below > 0) & (edges > lowest[:, np.newaxis])
    enough = np.where(reached, -(-begins // np.maximum(at, 1)), 0).max(axis=1)
    too_much = np.where(passed, -(-begins // np.maximum(below, 1)), INT32_MAX + 1).min(axis=1)
    return np.clip((enough + too_much) >> 1, 0, INT32_MAX)


def scaled(channels: Channels, shifted: OneShift | None) -> tuple[np.ndarray, np.ndarray]:
    """(factor of bias and weights, words of requantization), (channels,) and (channels, …): those of `shifted`, or 2
    and the words for `edgeq_finish_s8` where there is none."""
    if shifted is None:
        return np.full(len(channels.bias), 2), channels.quant
    return 2 << shifted.finer, shifted.quant


def _finished(acc: np.ndarray, quant: np.ndarray) -> np.ndarray:
    """`edgeq_finish_s8` of edgeq_dsp.h, (channels, n)."""
    multiplier, addend, shift = (column[:, np.newaxis] for column in quant.T)
    once = (2 * acc * multiplier + (1 << 31)) >> 32
    return np.clip((once + (acc >> 63) + addend) >> shift, -128, 127)


def finished_at_once(acc: np.ndarray, quant: np.ndarray, finer: np.ndarray) -> np.ndarray:
    """`edgeq_finish_at_once_s8` of edgeq_dsp.h, (channels, n): monotonic."""
    multiplier, addend = (column[:, np.newaxis] for column in quant.T)
    return np.clip((((acc << 1 + finer[:, np.newaxis]) * multiplier >> 32) + addend) >> SHIFT, -128, 127)


def _cuts_at(
    edges: np.ndarray, quant: np.ndarray, finer: np.ndarray, lowest: np.ndarray, highest: np.ndarray
) -> np.ndarray:
    """Whether each channel's results change where they have to."""
    reaches = finished_at_once(edges, quant, finer) >= RESULTS
    stays = finished_at_once(edges - 1, quant, finer) < RESULTS
    right = (reaches | (edges > highest[:, np.newaxis])) & (stays | (edges <= lowest[:, np.newaxis]))
    return right.all(axis=1) & (quant[:, 0] >= 0) & (quant[:, 0] <= INT32_MAX)
