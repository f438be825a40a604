"""Requantization of sums of few narrow products, which fit the half of a word: by one multiplication.

Weights of −1, 0 and 1 make sums so small that a register holds two of them, and SMLAWB and SMLAWT take either half.
With the start that sums have been given,

    y = ⌊multiplier · (a + start) / 2^16⌋ + addend;    out = (y + middle − [y < 0] · gap) >> 13, saturated to int8

Middle, one number for all channels, is the output's offset plus a half; a gap is what ties of negative results need,
which `edgeq.fixedpoint.requantize` rounds away from zero. Where these saturate, gaps and middle are 0. The start lifts
sums far above zero: so a little more of the multiplier shifts all of them, by far less than one of the addend does.
Multiplier and addend are proven for every sum there is (`two_words.fitting_words`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from edgeq.fixedpoint import INT32_MAX, requantize
from edgeq.kernels.packing import fold_offset
from edgeq.kernels.sums import RESULTS, sums_between
from edgeq.kernels.two_words import fitting_words

# EDGEQ_HALF_POINT and EDGEQ_HALF_START of edgeq_half_sums.h.
POINT, START = 13, 1 << 12
# Multipliers are four times a number, for sums that come as four times what they are.
_UNIT = 4
_TWEAKS = sorted(range(-32, 33), key=abs)
_LOWEST, _HIGHEST = -(1 << 15), (1 << 15) - 1


@dataclass(frozen=True, eq=False)
class HalfWordQuant:
    """`words`: multiplier, addend and gap of the channels, int64 (channels, 3), or without gaps (channels, 2)."""

    words: np.ndarray
    middle: int

    @property
    def has_gaps(self) -> bool:
        return self.words.shape[1] == 3


def half_word_quant(p: Any, weights: np.ndarray, less: np.ndarray | int = 0) -> HalfWordQuant | None:
    """How to requantize the channels' sums; None where there is no way, or sums leave their half.

    Args:
        p: parameters with multipliers and shifts (one per channel or one in all), bias, input_offset and output_offset.
        weights: int8 (channels, …), multiplied with int8 as they are.
        less: by how much sums are too small, (channels,) or one in all.
    """
    bias = fold_offset(weights, p.bias, p.input_offset)
    multiplier, shift = (np.broadcast_to(each, bias.shape).astype(np.int64) for each in (p.multipliers, p.shifts))
    lowest, highest = sums_between(weights)
    start = START - np.broadcast_to(less, bias.shape)
    if (lowest + start).min(initial=0) < _LOWEST or (highest + start).max(initial=0) > _HIGHEST:
        return None
    if max(np.abs(bias + lowest).max(initial=0), np.abs(bias + highest).max(initial=0)) > INT32_MAX:
        return None

    def exact(a: np.ndarray) -> np.ndarray:
        return requantize(a.T + bias, multiplier, shift).T + p.output_offset

    def scaled(a: np.ndarray, m: np.ndarray) -> np.ndarray:
        return _UNIT * (a + start) * m >> 16

    factor = np.rint(np.ldexp(multiplier.astype(np.float64), shift + POINT + 16 - 2 - 31)).astype(np.int64)
    results = RESULTS[:, np.newaxis]

    def words(edges: np.ndarray) -> np.ndarray | None:
        limits = {"room": 1 << POINT, "tweaks": _TWEAKS, "largest": INT32_MAX // _UNIT}
        found = fitting_words(exact, scaled, lowest, highest, factor, edges, **limits)
        return None if found is None else found * [_UNIT, 1]

    gap = np.where(shift < 0, (1 << POINT) >> np.clip(-shift, 0, POINT + 1), 0)
    # without gaps where none is, or where all results lie on one side of the offset
    found = words(results << POINT) if p.output_offset in (-128, 127) or not gap.any() else None
    if found is not None:
        return HalfWordQuant(found, 0)
    middle = (p.output_offset << POINT) + (1 << POINT - 1)
    found = words((results << POINT) - middle + np.where(results <= p.output_offset, gap, 0))
    return None if found is None else HalfWordQuant(np.concatenate([found, gap[:, np.newaxis]], axis=1), middle)
