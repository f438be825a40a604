"""RELU_0_TO_1: x limited to [0, 1]."""

from edgeq.ops import register
from edgeq.ops.lookup import Clamp


@register
class Relu0To1(Clamp):
    name = "RELU_0_TO_1"
    bounds = (0.0, 1.0)
