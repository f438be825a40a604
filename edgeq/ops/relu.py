"""RELU: max(x, 0)."""

from edgeq.ops import register
from edgeq.ops.base import Activation
from edgeq.ops.lookup import Clamp


@register
class Relu(Clamp):
    name = "RELU"
    homogeneous = True
    knows_zero = True
    bounds = Activation.RELU.bounds
