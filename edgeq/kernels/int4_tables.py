"""What the tables of layers with int4 weights share on cores with the DSP extension: four channels at a time.

A lane holds one weight of each of four channels, 16 bits. The kernels take fields by AND, so that fields below the
highest are codes, weights plus 8; the sum of the inputs takes that off again. Sums of products need no more than 20
bits: times 4096 they fill a word, and so they enter requantization.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from edgeq.kernels.packing import either_channels_of, fold_offset
from edgeq.kernels.sums import sums_between
from edgeq.kernels.two_words import two_words
from edgeq.kernels.two_words_by_steps import BITS, two_words_by_steps

# Channels of a record.
FOUR = 4
# The kernels find a sum's upper twelve bits from its lowest byte on, which is signed.
_HIGHEST = (1 << 31 - BITS) - 129
_LOWEST = -(1 << 31 - BITS)


def fit_four(p: Any, weights: np.ndarray) -> bool:
    """Whether `quant_of_four` can be made and sums are small enough. Arguments as there."""
    lowest, highest = sums_between(weights)
    return (
        bool((lowest >= _LOWEST).all() and (highest <= _HIGHEST).all())
        and either_channels_of(p, weights, fold_offset(weights, p.bias, p.input_offset), 128) is not None
    )


def quant_of_four(p: Any, weights: np.ndarray, records: np.ndarray) -> tuple[int, np.ndarray]:
    """(kind, words of the records): 1 and two words for each channel, those of `two_words`; or 0 and the channels'
    biases with the input's offset folded in, doubled, then three words for each (`packing.either_channels_of`).

    Args:
        p: parameters with multipliers, shifts, bias, input_offset and output_offset.
        weights: int4 values as int8 (channels, …). records: channels of each record, (records, 4).
    """
    bias = fold_offset(weights, p.bias, p.input_offset)
    ends = sums_between(weights)
    quant = two_words(p, bias, *ends, np.full(bias.shape, BITS))
    if quant is None:
        quant = two_words_by_steps(p, bias, *ends)
    if quant is not None:
        return 1, quant[records].reshape(len(records), -1)
    channels, _ = either_channels_of(p, weights, bias, 128)
    quant = channels.quant[records].reshape(len(records), -1)
    return 0, np.concatenate([2 * channels.bias[records], quant], axis=1)


def lanes_of_four(nibbles: np.ndarray) -> np.ndarray:
    """int32 words (records, steps) whose lanes hold the lowest four bits of each of four, the first lowest.

    nibbles: int8 (records, 4, steps, 2).
    """
    fields = (nibbles.astype(np.uint8) & 15).astype(np.uint32)
    lanes = sum(fields[:, i] << 4 * i for i in range(FOUR))
    return (lanes[..., 0] | lanes[..., 1] << 16).view(np.int32)
