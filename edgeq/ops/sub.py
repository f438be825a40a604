"""SUB: the first operand minus the second."""

from edgeq.ops import register
from edgeq.ops.addition import Addition


@register
class Sub(Addition):
    name = "SUB"
    subtracts = True
