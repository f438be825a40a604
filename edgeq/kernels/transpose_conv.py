"""TRANSPOSE_CONV by our own kernels: every output gathers what the inputs add to it, so they need no scratch."""

from edgeq.kernels import register
from edgeq.kernels.base import Kernel


@register
class TransposeConvS8(Kernel):
    name = "edgeq_transpose_conv_s8"
    ops = ("TRANSPOSE_CONV",)
    template = "transpose_conv.c.j2"


@register
class TransposeConvS16(Kernel):
    name = "edgeq_transpose_conv_s16"
    ops = ("TRANSPOSE_CONV",)
    template = "transpose_conv.c.j2"
    dtype = "int16"
