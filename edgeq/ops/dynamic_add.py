"""DYNAMIC_ADD, edgeq's own operator: ADD of blocks."""

from edgeq.ops import register
from edgeq.ops.dynamic_addition import DynamicAddition


@register
class DynamicAdd(DynamicAddition):
    name = "DYNAMIC_ADD"
    stands_for = "ADD"
