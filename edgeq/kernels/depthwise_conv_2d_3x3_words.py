"""DEPTHWISE_CONV_2D by 3×3 by our own kernel for cores without the DSP extension."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from edgeq.ir import frozen_array
from edgeq.kernels import register
from edgeq.kernels.base import Kernel
from edgeq.kernels.narrow_quant import narrow_flag
from edgeq.kernels.packing import channels_of, fold_offset, wrap_int32
from edgeq.kernels.short_quant import ShortQuant, short_quant
from edgeq.kernels.walking import forwards_distance
from edgeq.ops.depthwise_conv_2d import DepthwiseConv2DParams
from edgeq.ops.spatial import hangs_over
from edgeq.program import Overlap
from edgeq.target import Cpu


@register
class DepthwiseConv3x3WordsS8(Kernel):
    """One filter per channel, no dilation, results of a ReLU (`edgeq.kernels.short_quant`); any stride and padding.

    `packed` holds one record per channel: its bias with the input's offset folded in; a word for every weight, to be
    loaded by several; its requantization. `narrow`, one number, says which kind that is.
    """

    name = "edgeq_depthwise_conv_3x3_words_s8"
    ops = ("DEPTHWISE_CONV_2D",)
    template = "depthwise_conv_2d_3x3_words.c.j2"
    tuned = True
    code_bytes = 1402

    def supports(self, p: DepthwiseConv2DParams, cpu: Cpu) -> bool:
        return (
            not cpu.dsp
            and p.depth_multiplier == 1
            and p.kernel == (3, 3)
            and p.dilation == (1, 1)
            and _quant(p, cpu) is not None
        )

    def cost(self, p: DepthwiseConv2DParams, cpu: Cpu) -> int:
        n, height, width, channels = p.output_shape
        fours, rest = divmod(width, 4) if _together(p, cpu) == 4 else (0, width)
        per_channel = 112 if cpu.arch == "armv6-m" else 56
        return n * height * (fours * (82 * channels + 100) + -(-rest // 2) * (per_channel * channels + 100))

    def scratch_bytes(self, p: DepthwiseConv2DParams, cpu: Cpu) -> int:
        """Three rows of what pixels that are computed together see, where any of it hangs over an edge of the image."""
        if not hangs_over(p):
            return 0
        width = p.output_shape[2]
        pixels = _together(p, cpu) if width >= _together(p, cpu) else min(2, width)
        return 3 * ((pixels - 1) * p.stride[1] + 3) * p.input_shape[3]

    def overlap(self, p: DepthwiseConv2DParams, cpu: Cpu) -> Overlap:
        walk = p.input_shape, p.output_shape, p.kernel, p.stride, p.dilation, p.pad
        return Overlap(forwards=forwards_distance(*walk, tile=_together(p, cpu)))

    def extras(self, p: DepthwiseConv2DParams, cpu: Cpu) -> Mapping[str, np.ndarray]:
        short = _quant(p, cpu)
        packed = np.concatenate([short.bias[:, np.newaxis], _weights(p), short.words], axis=1)
        return {"packed": frozen_array(wrap_int32(packed)), "narrow": narrow_flag(cpu)}


def _together(p: DepthwiseConv2DParams, cpu: Cpu) -> int:
    """Pixels of a row that are computed together."""
    return 4 if p.stride[1] == 1 and not narrow_flag(cpu)[0] else 2


def _weights(p: DepthwiseConv2DParams) -> np.ndarray:
    """int8 (channels, 9)."""
    return np.moveaxis(p.weights, 3, 0).reshape(p.input_shape[3], -1)


def _quant(p: DepthwiseConv2DParams, cpu: Cpu) -> ShortQuant | None:
    weights = _weights(p)
    channels = channels_of(p, weights, fold_offset(weights, p.bias, p.input_offset), 128)
    return channels and short_quant(channels, weights, (p.activation_min, p.activation_max), cpu)
