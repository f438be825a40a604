"""DEPTHWISE_CONV_2D by CMSIS-NN."""

from __future__ import annotations

from edgeq.kernels import cmsis_nn_scratch, register
from edgeq.kernels.base import Kernel, cmsis_nn_cost
from edgeq.ops.depthwise_conv_2d import DepthwiseConv2DParams
from edgeq.target import Cpu


@register
class DepthwiseConvWrapperS8(Kernel):
    """Any stride, dilation, padding and depth multiplier that the library computes correctly on the core."""

    name = "arm_depthwise_conv_wrapper_s8"
    ops = ("DEPTHWISE_CONV_2D",)
    template = "depthwise_conv_2d.c.j2"
    code_bytes = 4970

    def supports(self, p: DepthwiseConv2DParams, cpu: Cpu) -> bool:
        return cmsis_nn_scratch.depthwise_conv_wrapper_s8_is_sound(
            cpu, p.input_shape, p.weights.shape, p.output_shape, p.stride, p.pad, p.dilation
        )

    def cost(self, p: DepthwiseConv2DParams, cpu: Cpu) -> int:
        n, height, width, channels = p.output_shape
        return cmsis_nn_cost(n * height * width * (channels * (20 + 5 * p.kernel[0] * p.kernel[1]) + 190), cpu)

    def scratch_bytes(self, p: DepthwiseConv2DParams, cpu: Cpu) -> int:
        return cmsis_nn_scratch.depthwise_conv_wrapper_s8(
            cpu, p.input_shape, p.weights.shape, p.output_shape, p.stride, p.pad, p.dilation
        )
