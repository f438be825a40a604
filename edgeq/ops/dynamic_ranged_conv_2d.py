"""DYNAMIC_RANGED_CONV_2D, DYNAMIC_CONV_2D and DYNAMIC_QUANTIZE of its sums in one: edgeq's own."""

from edgeq.ops import register
from edgeq.ops.dynamic_conv_2d import DynamicConv2D
from edgeq.ops.dynamic_ranged import DynamicRanged


@register
class DynamicRangedConv2D(DynamicRanged):
    name = "DYNAMIC_RANGED_CONV_2D"
    weighted = DynamicConv2D()
