"""DYNAMIC_CONV_2D, edgeq's own operator: CONV_2D of blocks."""

from edgeq.ir import Tensor
from edgeq.ops import register
from edgeq.ops.conv_2d import Conv2D, Conv2DAttrs, correlation
from edgeq.ops.dynamic_weighted import DynamicWeighted, Geometry
from edgeq.ops.spatial import pad_before


@register
class DynamicConv2D(DynamicWeighted):
    name = "DYNAMIC_CONV_2D"
    stands_for = "CONV_2D"
    Attrs = Conv2DAttrs
    plain = Conv2D()
    correlate = correlation

    def geometry(self, attrs: Conv2DAttrs, x: Tensor, w: Tensor, y: Tensor) -> Geometry:
        pad = pad_before(x.shape[1:3], y.shape[1:3], w.shape[1:3], attrs.stride, attrs.dilation)
        return Geometry(x.shape, y.shape, w.shape, 0, attrs.stride, attrs.dilation, pad)
