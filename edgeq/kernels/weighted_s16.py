"""Layers of products with int16 activations by our own kernels, which sum in 64 bits whatever the fan-in."""

from __future__ import annotations

import numpy as np

from edgeq.kernels import register
from edgeq.kernels.base import Kernel
from edgeq.kernels.walking import forwards_distance
from edgeq.ops.conv_2d import Conv2DParams
from edgeq.ops.depthwise_conv_2d import DepthwiseConv2DParams
from edgeq.ops.fully_connected import FullyConnectedParams
from edgeq.program import Overlap
from edgeq.target import Cpu


class _WindowS16(Kernel):
    def overlap(self, p: Conv2DParams | DepthwiseConv2DParams, cpu: Cpu) -> Overlap:
        bytes_per_element = 2
        walk = p.input_shape, p.output_shape, p.kernel, p.stride, p.dilation, p.pad
        return Overlap(forwards=bytes_per_element * forwards_distance(*walk))


@register
class ConvolveS16(_WindowS16):
    name = "edgeq_convolve_s16"
    ops = ("CONV_2D",)
    template = "conv_2d_s16.c.j2"
    dtype = "int16"
    code_bytes = 984

    def cost(self, p: Conv2DParams, cpu: Cpu) -> int:
        return int(np.prod(p.output_shape)) * (7 * int(np.prod(p.weights.shape[1:])) + 60)


@register
class DepthwiseConvS16(_WindowS16):
    name = "edgeq_depthwise_conv_s16"
    ops = ("DEPTHWISE_CONV_2D",)
    template = "depthwise_conv_2d_s16.c.j2"
    dtype = "int16"
    code_bytes = 904

    def cost(self, p: DepthwiseConv2DParams, cpu: Cpu) -> int:
        return int(np.prod(p.output_shape)) * (15 * int(np.prod(p.kernel)) + 80)


@register
class FullyConnectedS16(Kernel):
    name = "edgeq_fully_connected_s16"
    ops = ("FULLY_CONNECTED",)
    template = "fully_connected_s16.c.j2"
    dtype = "int16"
    code_bytes = 432

    def supports(self, p: FullyConnectedParams, cpu: Cpu) -> bool:
        return not p.single_rounding

    def cost(self, p: FullyConnectedParams, cpu: Cpu) -> int:
        return p.batches * p.units * (5 * p.depth + 65)
