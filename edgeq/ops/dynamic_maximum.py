"""DYNAMIC_MAXIMUM, edgeq's own operator: MAXIMUM of blocks."""

from edgeq.ops import register
from edgeq.ops.dynamic_addition import DynamicExtreme


@register
class DynamicMaximum(DynamicExtreme):
    name = "DYNAMIC_MAXIMUM"
    stands_for = "MAXIMUM"
