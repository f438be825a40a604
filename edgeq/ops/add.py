"""ADD."""

from edgeq.ops import register
from edgeq.ops.addition import Addition


@register
class Add(Addition):
    name = "ADD"
