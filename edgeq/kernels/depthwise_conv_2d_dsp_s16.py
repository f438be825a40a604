"""DEPTHWISE_CONV_2D of int16 by our own kernel for cores with the DSP extension."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from edgeq.ir import frozen_array
from edgeq.kernels import register
from edgeq.kernels.base import Kernel
from edgeq.kernels.packing import blocks, int8_words
from edgeq.kernels.walking import forwards_distance
from edgeq.kernels.wide_sums import WideChannels, quant_of, wide_channels_of
from edgeq.ops.depthwise_conv_2d import DepthwiseConv2DParams
from edgeq.program import Overlap
from edgeq.target import Cpu


@register
class DepthwiseConvDspS16(Kernel):
    """Four channels and more with one filter each; any stride, padding and dilation; sums of 32 bits.

    `packed` holds one record per four channels (0 1 2 3): their biases; for every tap a word of weights 0, 2, 1, 3; the
    requantization of each channel. `one_shift`, one number, says which kind that is: 1 where it is that of
    `WideChannels.at_once`.
    """

    name = "edgeq_depthwise_conv_dsp_s16"
    ops = ("DEPTHWISE_CONV_2D",)
    template = "depthwise_conv_2d_dsp.c.j2"
    dtype = "int16"
    code_bytes = 1192

    def supports(self, p: DepthwiseConv2DParams, cpu: Cpu) -> bool:
        fits = cpu.dsp and not cpu.mve and p.depth_multiplier == 1 and p.input_shape[3] >= 4
        return fits and _channels(p) is not None

    def cost(self, p: DepthwiseConv2DParams, cpu: Cpu) -> int:
        n, height, width, channels = p.output_shape
        records = -(-channels // 4)
        if _by_rows(p):
            return n * height * records * (100 * width + 150)
        return n * height * width * (records * (12 * int(np.prod(p.kernel)) + 30) + 60)

    def overlap(self, p: DepthwiseConv2DParams, cpu: Cpu) -> Overlap:
        walk = p.input_shape, p.output_shape, p.kernel, p.stride, p.dilation, p.pad
        bytes_per_element = 2
        tile = p.output_shape[2] if _by_rows(p) else 1
        return Overlap(forwards=bytes_per_element * forwards_distance(*walk, tile=tile))

    def extras(self, p: DepthwiseConv2DParams, cpu: Cpu) -> Mapping[str, np.ndarray]:
        return _table(p, short=True)

    def small_extras(self, p: DepthwiseConv2DParams, cpu: Cpu) -> Mapping[str, np.ndarray]:
        return _table(p, short=False)


def _by_rows(p: DepthwiseConv2DParams) -> bool:
    """Whether the kernel may compute rows as such, two channels of all pixels after the other."""
    beyond = p.output_shape[2] - (p.input_shape[2] - 2 + p.pad[1])
    near = p.kernel == (3, 3) and (p.stride[1], p.dilation[1]) == (1, 1)
    return near and p.pad[1] <= 1 and p.input_shape[2] >= 3 and 0 <= beyond <= 1


def _channels(p: DepthwiseConv2DParams) -> WideChannels | None:
    return wide_channels_of(p, np.moveaxis(p.weights, 3, 0))


def _table(p: DepthwiseConv2DParams, *, short: bool) -> Mapping[str, np.ndarray]:
    channels = _channels(p)
    quant, at_once = quant_of(channels, short=short)
    fours = blocks(p.input_shape[3], 4)
    taps = p.weights.reshape(-1, p.input_shape[3])[:, fours[:, [0, 2, 1, 3]]]  # (taps, records, 4)
    words = [
        channels.bias[fours],
        int8_words(taps.swapaxes(0, 1).reshape(len(fours), -1)),
        quant[fours].reshape(len(fours), -1),
    ]
    return {
        "packed": frozen_array(np.concatenate(words, axis=1).astype(np.int32)),
        "one_shift": frozen_array(np.array([at_once], np.int8)),
    }
