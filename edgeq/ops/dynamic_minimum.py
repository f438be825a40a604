"""DYNAMIC_MINIMUM, edgeq's own operator: MINIMUM of blocks."""

from edgeq.ops import register
from edgeq.ops.dynamic_addition import DynamicExtreme


@register
class DynamicMinimum(DynamicExtreme):
    name = "DYNAMIC_MINIMUM"
    stands_for = "MINIMUM"
    sign = -1
