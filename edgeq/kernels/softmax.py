"""SOFTMAX by CMSIS-NN."""

from edgeq.kernels import register
from edgeq.kernels.base import Kernel


@register
class SoftmaxS8(Kernel):
    name = "arm_softmax_s8"
    ops = ("SOFTMAX",)
    template = "softmax.c.j2"
    in_place = True
