"""SELECT_V2: elements of one of two tensors; all three operands broadcast."""

from edgeq.ops import register
from edgeq.ops.selecting import Selecting


@register
class SelectV2(Selecting):
    name = "SELECT_V2"
