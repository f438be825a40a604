"""CONV_2D of weights with zero points or in blocks by our own kernels for cores with the DSP extension."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from edgeq.ir import frozen_array
from edgeq.kernels import register
from edgeq.kernels.conv_2d_4x2_dsp import ByFour, by_four_cost, widened_in_order, widened_order, widened_weights
from edgeq.kernels.packing import Channels, channels_of, fold_offset, int8_words, wrap_int32
from edgeq.ops.conv_2d import FineConv2DParams
from edgeq.target import Cpu

# Windows that lie side by side.
_PIXELS = 4


class _ConvolveBlocksDsp(ByFour):
    """No groups. Where a window is several runs whose bytes do not fill words, one block for each channel: there the
    order of widened inputs is not that of the weights.

    `packed` begins with four numbers: pairs of inputs of a block, a multiple of four; blocks of a channel; 1 where they
    have minima; bytes of working memory. It holds one record per channel: its bias, with the input's offset folded in;
    three words of requantization; the blocks' scales, four to a word, and minima, two to a word, where there are any;
    the weights in the order of `widened_order`, with pairs of zeros up to a multiple of four. A word holds two pairs of
    weights in its bytes 0 and 2, and 1 and 3; or w + 8 of four, of pair i in its halves of bytes i and i + 4.
    """

    bits: int

    def supports(self, p: FineConv2DParams, cpu: Cpu) -> bool:
        return (
            cpu.dsp
            and not cpu.mve
            and p.groups == 1
            and len(p.weights) >= 2
            and (_blocks(p) == 1 or widened_in_order(p))
            and _channels(p) is not None
        )

    def cost(self, p: FineConv2DParams, cpu: Cpu) -> int:
        steps, blocks = len(widened_order(p)), _blocks(p)
        summed = self._has_sums(p) * (6 * steps + 30 * blocks)
        windows = -(-int(np.prod(p.output_shape[:3])) // _PIXELS)
        return by_four_cost(p, 15 * steps + 60 * blocks + 120) + windows * summed

    def scratch_bytes(self, p: FineConv2DParams, cpu: Cpu) -> int:
        """Four windows of int16, and behind them one of int8 or the sums of the inputs of each block."""
        words = _whole_words(len(widened_order(p))) + (_blocks(p) if self._has_sums(p) else 0)
        return max(super().scratch_bytes(p, cpu), 4 * _PIXELS * words)

    def extras(self, p: FineConv2DParams, cpu: Cpu) -> Mapping[str, np.ndarray]:
        per_channel, weights = _channels(p), widened_weights(p)
        weights = np.pad(weights, ((0, 0), (0, -weights.shape[1] % 4), (0, 0)))
        words = [per_channel.bias[:, np.newaxis], per_channel.quant, int8_words(_in_whole_words(p.block_scales))]
        if p.has_minima:
            words.append(int8_words(_in_whole_words(p.block_minima.astype("<i2").view(np.int8))))
        words.append(_weight_words(weights, self.bits))
        in_block = weights.shape[1] if _blocks(p) == 1 else p.weights_per_block // 2
        head = np.array([in_block, _blocks(p), p.has_minima, self.scratch_bytes(p, cpu)])
        return {"packed": frozen_array(wrap_int32(np.concatenate([head, np.concatenate(words, axis=1).ravel()])))}

    def _has_sums(self, p: FineConv2DParams) -> bool:
        return self.bits == 4 or p.has_minima


@register
class ConvolveBlocksDspS8(_ConvolveBlocksDsp):
    name = "edgeq_convolve_blocks_dsp_s8"
    weight_types = ("int8 in blocks",)
    bits = 8


@register
class ConvolveBlocksDspS4(_ConvolveBlocksDsp):
    name = "edgeq_convolve_blocks_dsp_s4"
    weight_types = ("int4 in blocks",)
    tuned = True
    bits = 4


def _blocks(p: FineConv2DParams) -> int:
    """Of a channel."""
    return p.block_scales.shape[1]


def _channels(p: FineConv2DParams) -> Channels | None:
    """What a table says of the channels: sums are of int8 inputs as they are, times what they count in all."""
    return channels_of(p, p.magnitudes, fold_offset(p.factors, p.bias, p.input_offset), 128)


def _whole_words(steps: int) -> int:
    """Steps brought to a multiple of four."""
    return -(-steps // 4) * 4


def _in_whole_words(rows: np.ndarray) -> np.ndarray:
    """int8 (channels, n) brought to a multiple of four by zeros at the end."""
    return np.pad(rows, ((0, 0), (0, -rows.shape[1] % 4)))


def _weight_words(steps: np.ndarray, bits: int) -> np.ndarray:
    """int32 (channels, words) of int8 (channels, steps, 2)."""
    channels, together = len(steps), 16 // bits
    by_lane = steps.reshape(channels, -1, together, 2).swapaxes(2, 3).reshape(channels, -1, 2 * together)
    if bits == 8:
        return int8_words(by_lane.reshape(channels, -1))
    codes = (by_lane + 8).astype(np.uint32) << 4 * np.arange(8, dtype=np.uint32)
    return np.bitwise_or.reduce(codes, axis=2).view(np.int32)
