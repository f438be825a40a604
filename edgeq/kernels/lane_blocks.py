"""Weights for kernels that make two products of one 32-bit multiplication, on cores without the DSP extension.

Two inputs stand in one word, X = x0 + x1 · 2^16. A weight times such a word is both products, and sums of these stay
apart as long as each of them fits 16 bits: after so many terms they have to be moved to wider sums. The kernels do that
after every block of four weights. Four products of inputs in [-128, 127] fit where the weights' magnitudes sum up to
255 at most. What is too much of a block's weights is counted apart, as a block of one weight: an exception.

A block in the kernels: with `acc = 2^15 + Σ w·X` modulo 2^32,

    low += acc (modulo 2^32);    high += acc >> 16 (arithmetic)

`high` is the exact sum for x1, since 2^15 + Σ w·x0 lies in [0, 2^16) and carries nothing. After n blocks that for x0 is
low − high · 2^16 − n · 2^15 modulo 2^32, and with low and high begun at `first_words` of the bias both sums include it.
Weights are stored with 128 added, as unsigned bytes, the most direct to load; the inputs' side of the block subtracts
128 · Σ X again.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgeq.kernels.packing import int8_words

#: Weights of a channel at most: an exception names its input's place by 16 bits.
MAX_LENGTH = 13_000
#: Weights of a block, and what their magnitudes may sum up to.
BLOCK = 4
LIMIT = 255
#: Kernels take two blocks at a time.
_STEP = 2 * BLOCK


@dataclass(frozen=True, eq=False)
class LaneBlocks:
    """The weights of a layer's channels.

    Attributes:
        words: int32 (channels, blocks): four weights plus 128 each, the number of blocks even.
        exceptions: for each channel the positions and values, int32 (n,) each, of what the blocks leave out.
    """

    words: np.ndarray
    exceptions: tuple[tuple[np.ndarray, np.ndarray], ...]

    def first_words(self, bias: np.ndarray) -> np.ndarray:
        """int32 (channels, 2): what `low` and `high` begin with, of biases int64 (channels,)."""
        count = self.words.shape[1] + np.array([len(where) for where, _ in self.exceptions], np.int64)
        return np.stack([wrap(bias - (count << 15) + (bias << 16)), wrap(bias)], axis=1)


def padded_length(length: int) -> int:
    """Weights of a channel, brought to whole steps by zeros."""
    return -(-length // _STEP) * _STEP


def wrap(values: np.ndarray) -> np.ndarray:
    """Modulo 2^32, as int32."""
    return (np.asarray(values, np.int64) & 0xFFFFFFFF).astype(np.uint32).view(np.int32)


def lane_blocks(weights: np.ndarray) -> LaneBlocks:
    """int8 weights (channels, length) in blocks."""
    kept, rest = clipped_blocks(weights, BLOCK)
    exceptions = tuple((np.flatnonzero(row).astype(np.int32), row[np.flatnonzero(row)]) for row in rest)
    return LaneBlocks(int8_words((kept + 128).astype(np.uint8).view(np.int8)), exceptions)


def clipped_blocks(weights: np.ndarray, block: int) -> tuple[np.ndarray, np.ndarray]:
    """int8 weights (channels, length), brought to whole steps by zeros, as a sum: int32 (channels, padded length) such
    that the magnitudes of every `block` neighbours sum up to LIMIT at most, and the rest, of few elements."""
    channels, length = weights.shape
    w = np.zeros((channels, padded_length(length)), np.int32)
    w[:, :length] = weights
    blocks = w.reshape(channels, -1, block)
    kept = blocks.copy()
    # the largest first: the fewest exceptions
    for _ in range(block):
        excess = np.abs(kept).sum(axis=2) - LIMIT
        largest = np.abs(kept).argmax(axis=2)[..., np.newaxis]
        value = np.take_along_axis(kept, largest, axis=2)[..., 0]
        less = np.sign(value) * np.maximum(np.abs(value) - np.maximum(excess, 0), 0)
        np.put_along_axis(kept, largest, less[..., np.newaxis], axis=2)
    return kept.reshape(channels, -1), (blocks - kept).reshape(channels, -1)


def exception_words(pair: tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]) -> np.ndarray:
    """int32 (1 + n,) of two channels: their numbers, the first one's in the low half; for each one, the first channel's
    before the second's, its value times 2^16 plus its place in the inputs' stream, in bytes.

    The stream holds five words per block: 2^15 − 128 · Σ X, then the four X.
    """
    (first, _), (second, _) = pair
    words = [values << 16 | 4 * (where // BLOCK * (BLOCK + 1) + 1 + where % BLOCK) for where, values in pair]
    return np.concatenate([[len(first) | len(second) << 16], *words]).astype(np.int32)


def stream_words(length: int) -> int:
    """Words of the inputs' stream of so many weights."""
    return padded_length(length) // BLOCK * (BLOCK + 1)
