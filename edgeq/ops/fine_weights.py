"""Weights finer than one scale per channel: with zero points, or with scales and minima of blocks.

Both are one arithmetic. With w the codes, s and m a block's scale and minimum in units of the channel's scale, a sum is

    Σ over blocks of  s · Σ w·(x + input_offset)  +  m · Σ (x + input_offset)

and a zero point z is the minimum −z of a block as long as the channel, whose scale is 1.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from edgeq.ir import Tensor, frozen_array


class PlainWeights:
    """Parameters whose `weights` are what inputs are multiplied with."""

    weights: np.ndarray

    @property
    def factors(self) -> np.ndarray:
        """What each input is multiplied with in all, integers in the weights' shape."""
        return self.weights

    @property
    def magnitudes(self) -> np.ndarray:
        """No partial sum of a result exceeds that of their magnitudes times the inputs'."""
        return self.weights

    @property
    def weights_per_block(self) -> int:
        """Of weights with the channels first: a channel is one block, whose scale is 1."""
        return math.prod(self.weights.shape[1:])

    @property
    def has_scales(self) -> bool:
        return False

    @property
    def has_minima(self) -> bool:
        return False


@dataclass(frozen=True, eq=False, kw_only=True)
class FineWeights(PlainWeights):
    """Parameters whose `weights`, with the channels first, are codes.

    block_size: weights of a block, along a channel's weights in C order; the last of a channel may be shorter.
    block_scales: int8 (channels, blocks). block_minima: int16 (channels, blocks).
    """

    block_size: int
    block_scales: np.ndarray
    block_minima: np.ndarray

    @property
    def weights_per_block(self) -> int:
        return self.block_size

    @property
    def has_scales(self) -> bool:
        return bool((self.block_scales != 1).any())

    @property
    def has_minima(self) -> bool:
        return bool(self.block_minima.any())

    @property
    def factors(self) -> np.ndarray:
        scaled, minima = self._parts()
        return (scaled + minima).reshape(self.weights.shape)

    @property
    def magnitudes(self) -> np.ndarray:
        scaled, minima = self._parts()
        return (np.abs(scaled) + np.abs(minima)).reshape(self.weights.shape)

    def _parts(self) -> tuple[np.ndarray, np.ndarray]:
        """Codes times their block's scale, and its minimum: int64 (channels, weights of one)."""
        codes = self.weights.reshape(self.weights.shape[0], -1).astype(np.int64)

        def spread(values: np.ndarray) -> np.ndarray:
            return np.repeat(values.astype(np.int64), self.block_size, axis=1)[:, : codes.shape[1]]

        return codes * spread(self.block_scales), spread(self.block_minima)


def fine_fields(w: Tensor) -> dict[str, object]:
    """Of constant weights with the channels first what `FineWeights` adds, and the type by which kernels know them."""
    channels, count = w.shape[0], w.size // w.shape[0]
    blocks = w.quant.blocks
    if blocks is None:
        size, scales = count, np.ones((channels, 1))
        minima = np.broadcast_to(-w.quant.zero_point.reshape(-1, 1), (channels, 1))
    else:
        size, scales = blocks.size, blocks.scales
        minima = np.zeros(scales.shape) if blocks.minima is None else blocks.minima
    return {
        "weight_type": f"{w.dtype.value} in blocks",
        "block_size": size,
        "block_scales": frozen_array(scales, np.int8),
        "block_minima": frozen_array(minima, np.int16),
    }
