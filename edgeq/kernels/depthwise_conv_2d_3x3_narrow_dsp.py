"""DEPTHWISE_CONV_2D of 3x3 windows with ternary and binary weights, in place, by our own kernel for cores with the DSP
extension."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from edgeq.ir import frozen_array
from edgeq.kernels import register
from edgeq.kernels.half_word_sums import half_word_quant
from edgeq.kernels.narrow_filters import NarrowFilters, filters, filters_table
from edgeq.ops.depthwise_conv_2d import DepthwiseConv2DParams
from edgeq.target import Cpu

# More than the other way costs where lines have one pixel, which the kernel cannot have.
_NEVER = 1 << 60


@register
class DepthwiseConv3x3NarrowDspS8(NarrowFilters):
    """Results of the input's size.

    Filters are packed channel by channel (`narrow_filters.filters_table`), and of each column by column. `by_columns`,
    one number: 1 where they are transposed, for an image that is taken column by column.
    """

    name = "edgeq_depthwise_conv_3x3_narrow_dsp_s8"
    code_bytes = 1588
    in_place = True

    def supports(self, p: DepthwiseConv2DParams, cpu: Cpu) -> bool:
        return (
            super().supports(p, cpu)
            and p.kernel == (3, 3)
            and p.stride == p.dilation == p.pad == (1, 1)
            and p.output_shape == p.input_shape
            and max(p.input_shape[1:3]) > 1
            and half_word_quant(p, filters(p)) is not None
        )

    def cost(self, p: DepthwiseConv2DParams, cpu: Cpu) -> int:
        return min(_cost(p, by_columns) for by_columns in (False, True))

    def scratch_bytes(self, p: DepthwiseConv2DParams, cpu: Cpu) -> int:
        """Four channels' records, and two words for each pixel of a line and those beside it."""
        length = p.input_shape[1] if _by_columns(p) else p.input_shape[2]
        return 4 * 4 * (16 + 2 * (length + 2))

    def extras(self, p: DepthwiseConv2DParams, cpu: Cpu) -> Mapping[str, np.ndarray]:
        by_columns = _by_columns(p)
        w = filters(p) if by_columns else filters(p).swapaxes(1, 2)
        return {
            **filters_table(p, w, half_word_quant(p, filters(p))),
            "by_columns": frozen_array(np.array([by_columns], np.int8)),
        }


def _by_columns(p: DepthwiseConv2DParams) -> bool:
    return _cost(p, True) < _cost(p, False)


def _cost(p: DepthwiseConv2DParams, by_columns: bool) -> int:
    """Instructions where lines are columns, or rows; results without gaps."""
    n, height, width, channels = p.input_shape
    lines, length = (width, height) if by_columns else (height, width)
    if length < 2:
        return _NEVER
    two_lines = 100 + 18 * length + 4 * (28 + 36 * ((length + 1) // 2))
    return n * -(-channels // 4) * (300 + 18 * length + (lines + 1) // 2 * two_lines)
