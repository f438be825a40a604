"""RELU_N1_TO_1: x limited to [−1, 1]."""

from edgeq.ops import register
from edgeq.ops.base import Activation
from edgeq.ops.lookup import Clamp


@register
class ReluN1To1(Clamp):
    name = "RELU_N1_TO_1"
    bounds = Activation.RELU_N1_TO_1.bounds
