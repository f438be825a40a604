"""DYNAMIC_DEPTHWISE_CONV_2D, edgeq's own operator: DEPTHWISE_CONV_2D of blocks."""

from edgeq.ir import Tensor
from edgeq.ops import register
from edgeq.ops.depthwise_conv_2d import DepthwiseConv2D, DepthwiseConv2DAttrs, depthwise_correlation
from edgeq.ops.dynamic_weighted import DynamicWeighted, Geometry
from edgeq.ops.spatial import pad_before


@register
class DynamicDepthwiseConv2D(DynamicWeighted):
    name = "DYNAMIC_DEPTHWISE_CONV_2D"
    stands_for = "DEPTHWISE_CONV_2D"
    Attrs = DepthwiseConv2DAttrs
    plain = DepthwiseConv2D()
    correlate = depthwise_correlation

    def geometry(self, attrs: DepthwiseConv2DAttrs, x: Tensor, w: Tensor, y: Tensor) -> Geometry:
        pad = pad_before(x.shape[1:3], y.shape[1:3], w.shape[1:3], attrs.stride, attrs.dilation)
        return Geometry(x.shape, y.shape, w.shape, 3, attrs.stride, attrs.dilation, pad, attrs.depth_multiplier)
