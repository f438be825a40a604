"""MAX_POOL_2D by CMSIS-NN."""

from edgeq.kernels import register
from edgeq.kernels.base import Kernel


@register
class MaxPoolS8(Kernel):
    name = "arm_max_pool_s8"
    ops = ("MAX_POOL_2D",)
    template = "max_pool_2d.c.j2"


@register
class MaxPoolS16(MaxPoolS8):
    name = "arm_max_pool_s16"
    dtype = "int16"
