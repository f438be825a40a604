"""DEPTHWISE_CONV_2D with ternary and binary weights by our own kernel for cores with the DSP extension."""

from __future__ import annotations

from edgeq.kernels import register
from edgeq.kernels.narrow_filters import MaskedFilters
from edgeq.ops.depthwise_conv_2d import DepthwiseConv2DParams
from edgeq.ops.spatial import taps_on_image
from edgeq.target import Cpu


@register
class DepthwiseConvNarrowDspS8(MaskedFilters):
    """Any window, stride, padding and dilation."""

    name = "edgeq_depthwise_conv_narrow_dsp_s8"
    code_bytes = 1752

    def cost(self, p: DepthwiseConv2DParams, cpu: Cpu) -> int:
        records = -(-p.input_shape[3] // 4)
        rows, cols = (taps_on_image(p, axis) for axis in (0, 1))
        taps = 9 * rows.sum() * cols.sum() + 10 * rows.sum() * cols.size + 60 * rows.size * cols.size
        per_pixel = 100 * rows.size * cols.size
        return int(records * (35 * p.kernel[0] * p.kernel[1] + p.input_shape[0] * taps) + p.input_shape[0] * per_pixel)

    def scratch_bytes(self, p: DepthwiseConv2DParams, cpu: Cpu) -> int:
        """Of every four channels two words for each tap, for each of their corners, and for all."""
        height, width = p.kernel
        return 8 * -(-p.input_shape[3] // 4) * (height * width + (height + 1) * (width + 1) + 1)
