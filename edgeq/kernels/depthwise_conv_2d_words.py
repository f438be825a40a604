"""DEPTHWISE_CONV_2D by our own kernel for cores without the DSP extension."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from edgeq.ir import frozen_array
from edgeq.kernels import register
from edgeq.kernels.base import Kernel
from edgeq.kernels.narrow_quant import narrow_flag, quant_words
from edgeq.kernels.packing import Channels, channels_of, fold_offset
from edgeq.kernels.walking import forwards_distance
from edgeq.ops.depthwise_conv_2d import DepthwiseConv2DParams
from edgeq.ops.spatial import hangs_over
from edgeq.program import Overlap
from edgeq.target import Cpu


@register
class DepthwiseConvWordsS8(Kernel):
    """One filter per channel; any stride, padding and dilation.

    `packed` holds one record per channel: its bias with the input's offset folded in; a word for every weight, to be
    loaded by several; its requantization. `narrow`, one number, says which kind that is.
    """

    name = "edgeq_depthwise_conv_words_s8"
    ops = ("DEPTHWISE_CONV_2D",)
    template = "depthwise_conv_2d_words.c.j2"
    tuned = True
    code_bytes = 1152

    def supports(self, p: DepthwiseConv2DParams, cpu: Cpu) -> bool:
        return not cpu.dsp and p.depth_multiplier == 1 and _channels(p) is not None

    def cost(self, p: DepthwiseConv2DParams, cpu: Cpu) -> int:
        n, height, width, channels = p.output_shape
        taps = p.kernel[0] * p.kernel[1]
        per_tap, rest = (5, 40) if cpu.arch == "armv6-m" else (3, 15)
        return n * height * width * (channels * (taps * per_tap + rest) + 60)

    def scratch_bytes(self, p: DepthwiseConv2DParams, cpu: Cpu) -> int:
        """A window, where any hangs over an edge of the image."""
        return int(np.prod(p.kernel)) * p.input_shape[3] if hangs_over(p) else 0

    def overlap(self, p: DepthwiseConv2DParams, cpu: Cpu) -> Overlap:
        return Overlap(forwards=forwards_distance(p.input_shape, p.output_shape, p.kernel, p.stride, p.dilation, p.pad))

    def extras(self, p: DepthwiseConv2DParams, cpu: Cpu) -> Mapping[str, np.ndarray]:
        per_channel = _channels(p)
        weights = np.moveaxis(p.weights, 3, 0).reshape(p.input_shape[3], -1)
        quant = quant_words(per_channel, weights, (p.activation_min, p.activation_max), cpu)
        packed = np.concatenate([per_channel.bias[:, np.newaxis], weights, quant], axis=1)
        return {"packed": frozen_array(packed.astype(np.int32)), "narrow": narrow_flag(cpu)}


def _channels(p: DepthwiseConv2DParams) -> Channels | None:
    weights = np.moveaxis(p.weights, 3, 0)
    return channels_of(p, weights, fold_offset(weights, p.bias, p.input_offset), 128)
