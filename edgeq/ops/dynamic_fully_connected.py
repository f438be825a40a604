"""DYNAMIC_FULLY_CONNECTED, edgeq's own operator: FULLY_CONNECTED of blocks."""

from edgeq.ir import Tensor
from edgeq.ops import register
from edgeq.ops.conv_2d import correlation
from edgeq.ops.dynamic_weighted import DynamicWeighted, Geometry
from edgeq.ops.fully_connected import FullyConnected, FullyConnectedAttrs


@register
class DynamicFullyConnected(DynamicWeighted):
    name = "DYNAMIC_FULLY_CONNECTED"
    stands_for = "FULLY_CONNECTED"
    Attrs = FullyConnectedAttrs
    plain = FullyConnected()
    correlate = correlation

    def geometry(self, attrs: FullyConnectedAttrs, x: Tensor, w: Tensor, y: Tensor) -> Geometry:
        units, depth = w.shape
        rows = x.size // depth
        return Geometry((1, 1, rows, depth), (1, 1, rows, units), (units, 1, 1, depth), 0)
