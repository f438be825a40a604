"""RELU6: x limited to [0, 6]."""

from edgeq.ops import register
from edgeq.ops.base import Activation
from edgeq.ops.lookup import Clamp


@register
class Relu6(Clamp):
    name = "RELU6"
    bounds = Activation.RELU6.bounds
