"""Layers of products with int16 activations by our own kernels, which sum in 64 bits whatever the fan-in."""

from __future__ import annotations

from edgeq.kernels import register
from edgeq.kernels.base import Kernel
from edgeq.ops.fully_connected import FullyConnectedParams
from edgeq.target import Cpu


@register
class ConvolveS16(Kernel):
    name = "edgeq_convolve_s16"
    ops = ("CONV_2D",)
    template = "conv_2d_s16.c.j2"
    dtype = "int16"


@register
class DepthwiseConvS16(Kernel):
    name = "edgeq_depthwise_conv_s16"
    ops = ("DEPTHWISE_CONV_2D",)
    template = "depthwise_conv_2d_s16.c.j2"
    dtype = "int16"


@register
class FullyConnectedS16(Kernel):
    name = "edgeq_fully_connected_s16"
    ops = ("FULLY_CONNECTED",)
    template = "fully_connected_s16.c.j2"
    dtype = "int16"

    def supports(self, p: FullyConnectedParams, cpu: Cpu) -> bool:
        return not p.single_rounding
