"""DYNAMIC_SUM, edgeq's own operator: SUM of a block, exact at its scale."""

from edgeq.ops import register
from edgeq.ops.dynamic_mean import DynamicMean


@register
class DynamicSum(DynamicMean):
    """Operands as DYNAMIC_MEAN's."""

    name = "DYNAMIC_SUM"
    stands_for = "SUM"
    divides = False
