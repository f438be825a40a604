"""DYNAMIC_RANGED_DEPTHWISE_CONV_2D, DYNAMIC_DEPTHWISE_CONV_2D and DYNAMIC_QUANTIZE of its sums in one: edgeq's own."""

from edgeq.ops import register
from edgeq.ops.dynamic_depthwise_conv_2d import DynamicDepthwiseConv2D
from edgeq.ops.dynamic_ranged import DynamicRanged


@register
class DynamicRangedDepthwiseConv2D(DynamicRanged):
    name = "DYNAMIC_RANGED_DEPTHWISE_CONV_2D"
    weighted = DynamicDepthwiseConv2D()
