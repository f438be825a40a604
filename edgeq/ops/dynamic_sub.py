"""DYNAMIC_SUB, edgeq's own operator: SUB of blocks."""

from edgeq.ops import register
from edgeq.ops.dynamic_addition import DynamicAddition


@register
class DynamicSub(DynamicAddition):
    name = "DYNAMIC_SUB"
    stands_for = "SUB"
    sign = -1
