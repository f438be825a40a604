"""Sums of int16 layers in 32 bits, and their requantization in few instructions, which gives the same results.

Activations of 16 bits and weights of 8 make sums that the operators take for 64 bits wide. Most layers have few and
small enough weights for 32: that is proven for each layer from its weights. `edgeq.fixedpoint.requantize_wide` then
multiplies 32 bits by a multiplier r of 15 bits and shifts to the right by `total`, rounding once, ties up:

    out = (a · r + 2^(total − 1)) >> total

With all the bits to the left of r that a word has, that is the high word of a product: SMMULR's with r · 2^(32 − total)
where that is a word, one for each channel (`WideChannels.at_once`). For others it is SMMLA's with r · 2^16, plus
2^(shift − 1), shifted to the right by shift = total − 16. Factors of a quarter and more want the sum shifted to the
left before, for which it must have room.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from edgeq.fixedpoint import INT32_MAX, INT32_MIN, reduced_multipliers, requantize_wide
from edgeq.kernels.sums import sums_between

INT16_MIN, INT16_MAX = -(1 << 15), (1 << 15) - 1
# A shift that leaves one bit for SMMLA's result to be shifted by, and the range of those that SMMULR makes.
_LEAST = 17
_AT_ONCE = range(16, 33)


@dataclass(frozen=True, eq=False)
class WideChannels:
    """What a table says of the channels.

    Attributes:
        bias: int64 (channels,), all sums with it are below 2^31.
        at_once: the multipliers for `edgeq_finish_at_once_s16` of edgeq_finish_s16.h, int64 (channels, 1); None where a
            channel has none.
        quant: words multiplier, addend, shift and left for `edgeq_finish_s16`, int64 (channels, 4).
    """

    bias: np.ndarray
    at_once: np.ndarray | None
    quant: np.ndarray


def wide_channels_of(p: Any, weights: np.ndarray) -> WideChannels | None:
    """The channels of a layer with int64 biases; None where a sum, shifted by what its factor wants, may leave 32 bits.

    A channel without any weight is a constant, whatever its bias and factor: converters give such channels huge ones.

    Args:
        p: parameters with bias, multipliers and shifts (one per channel or one in all). weights: int8 (channels, …).
    """
    if p.bias.dtype != np.int64:
        return None
    multiplier, shift = (np.broadcast_to(v, p.bias.shape).astype(np.int64) for v in (p.multipliers, p.shifts))
    idle = ~weights.reshape(len(weights), -1).any(axis=1)
    constant = np.clip(requantize_wide(p.bias, multiplier, shift), INT16_MIN, INT16_MAX)
    # a constant is an eighth of eight times itself
    bias = np.where(idle, 8 * constant, p.bias)
    reduced = np.where(idle, 1 << 14, reduced_multipliers(multiplier))
    total = np.where(idle, _LEAST, 15 - shift)
    left = np.maximum(_LEAST - total, 0)
    lowest, highest = (bias + end for end in sums_between(weights, INT16_MIN, INT16_MAX))
    if (lowest << left).min(initial=0) < INT32_MIN or (highest << left).max(initial=0) > INT32_MAX:
        return None
    right = total + left - 16
    fits = (total >= _AT_ONCE[0]).all() and (total <= _AT_ONCE[-1]).all()
    at_once = (reduced << np.clip(32 - total, 0, 16))[:, np.newaxis]
    quant = np.stack([reduced << 16, 1 << right - 1, right, left], axis=1)
    return WideChannels(bias, at_once if fits else None, quant)


def quant_of(channels: WideChannels, *, short: bool) -> tuple[np.ndarray, bool]:
    """(the words of requantization, whether they are those of `at_once`), which are taken where `short` allows it."""
    at_once = short and channels.at_once is not None
    return channels.at_once if at_once else channels.quant, at_once
