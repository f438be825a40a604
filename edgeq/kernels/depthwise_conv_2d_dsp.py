"""DEPTHWISE_CONV_2D by our own kernel for cores with the DSP extension."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from edgeq.ir import frozen_array
from edgeq.kernels import register
from edgeq.kernels.base import Kernel
from edgeq.kernels.packing import Channels, blocks, channels_of, lanes
from edgeq.kernels.walking import forwards_distance
from edgeq.ops.depthwise_conv_2d import DepthwiseConv2DParams
from edgeq.program import Overlap
from edgeq.target import Cpu


@register
class DepthwiseConvDspS8(Kernel):
    """Four channels and more with one filter each; any stride, padding and dilation.

    `packed` holds one record per four channels (0 1 2 3): their biases, doubled; for every tap a word of the doubled
    weights 0 and 2 and one of 1 and 3, in lanes; the requantization of each channel.
    """

    name = "edgeq_depthwise_conv_dsp_s8"
    ops = ("DEPTHWISE_CONV_2D",)
    template = "depthwise_conv_2d_dsp.c.j2"
    tuned = True

    def supports(self, p: DepthwiseConv2DParams, cpu: Cpu) -> bool:
        return (
            cpu.dsp
            and not cpu.mve
            and p.depth_multiplier == 1
            and p.input_shape[3] >= 4
            and depthwise_channels(p) is not None
        )

    def cost(self, p: DepthwiseConv2DParams, cpu: Cpu) -> int:
        n, height, width, channels = p.output_shape
        taps = p.kernel[0] * p.kernel[1]
        per_record = 9 * taps + 6 * p.kernel[0] + 45
        return n * height * width * (-(-channels // 4) * per_record + 60)

    def overlap(self, p: DepthwiseConv2DParams, cpu: Cpu) -> Overlap:
        return Overlap(forwards=forwards_distance(p.input_shape, p.output_shape, p.kernel, p.stride, p.dilation, p.pad))

    def extras(self, p: DepthwiseConv2DParams, cpu: Cpu) -> Mapping[str, np.ndarray]:
        per_channel = depthwise_channels(p)
        channels = blocks(p.input_shape[3], 4)
        weights = 2 * p.weights.reshape(-1, p.input_shape[3]).astype(np.int16)
        w = weights[:, channels]  # (taps, records, 4)
        taps = np.stack([lanes(w[..., 0], w[..., 2]), lanes(w[..., 1], w[..., 3])], axis=-1)
        words = [
            2 * per_channel.bias[channels],
            taps.transpose(1, 0, 2).reshape(len(channels), -1),
            per_channel.quant[channels].reshape(len(channels), -1),
        ]
        return {"packed": frozen_array(np.concatenate(words, axis=1).astype(np.int32))}


def depthwise_channels(p: DepthwiseConv2DParams) -> Channels | None:
    """What a table says of the channels."""
    reach = max(abs(-128 + p.input_offset), abs(127 + p.input_offset))
    return channels_of(p, np.moveaxis(p.weights, 3, 0), p.bias, reach)
