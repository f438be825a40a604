"""PADV2: surrounds a tensor with a value of its own."""

from edgeq.ops import register
from edgeq.ops.padding import PadBase


@register
class PadV2(PadBase):
    name = "PADV2"
