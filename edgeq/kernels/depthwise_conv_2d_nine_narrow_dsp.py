"""DEPTHWISE_CONV_2D of any 3x3 windows with ternary and binary weights by our own kernel for cores with the DSP
extension."""

from __future__ import annotations

import numpy as np

from edgeq.kernels import register
from edgeq.kernels.narrow_filters import MaskedFilters
from edgeq.ops.depthwise_conv_2d import DepthwiseConv2DParams
from edgeq.ops.spatial import taps_on_image
from edgeq.target import Cpu


@register
class DepthwiseConvNineNarrowDspS8(MaskedFilters):
    """Any stride, padding and dilation."""

    name = "edgeq_depthwise_conv_nine_narrow_dsp_s8"
    code_bytes = 1728

    def supports(self, p: DepthwiseConv2DParams, cpu: Cpu) -> bool:
        return p.kernel == (3, 3) and super().supports(p, cpu)

    def cost(self, p: DepthwiseConv2DParams, cpu: Cpu) -> int:
        records = -(-p.input_shape[3] // 4)
        rows, cols = (taps_on_image(p, axis) for axis in (0, 1))
        inside = p.input_shape[0] * int((rows == 3).sum() * (cols == 3).sum())
        over = int(np.prod(p.output_shape[:3])) - inside
        return 300 + records * (160 + 76 * inside + 86 * over) + 25 * inside + 160 * over

    def scratch_bytes(self, p: DepthwiseConv2DParams, cpu: Cpu) -> int:
        """Of every four channels two words for each tap; and a pixel."""
        channels = p.input_shape[3]
        return 8 * 9 * -(-channels // 4) + channels
