"""RESIZE_BILINEAR by our own kernel."""

from edgeq.kernels import register
from edgeq.kernels.base import Kernel


@register
class ResizeBilinearS8(Kernel):
    name = "edgeq_resize_bilinear_s8"
    ops = ("RESIZE_BILINEAR",)
    template = "resize_bilinear.c.j2"


@register
class ResizeBilinearS16(Kernel):
    name = "edgeq_resize_bilinear_s16"
    ops = ("RESIZE_BILINEAR",)
    template = "resize_bilinear.c.j2"
    dtype = "int16"
