"""PAD: surrounds a tensor with zeros (integers: its zero point)."""

from edgeq.ops import register
from edgeq.ops.padding import PadBase


@register
class Pad(PadBase):
    name = "PAD"
