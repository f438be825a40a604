"""DEPTHWISE_CONV_2D by CMSIS-NN."""

from __future__ import annotations

from edgeq.kernels import cmsis_nn_scratch, register
from edgeq.kernels.base import Kernel
from edgeq.ops.depthwise_conv_2d import DepthwiseConv2DParams
from edgeq.target import Cpu


@register
class DepthwiseConvWrapperS8(Kernel):
    """Any stride, dilation, padding and depth multiplier, but for some one-row images of one channel on MVE."""

    name = "arm_depthwise_conv_wrapper_s8"
    ops = ("DEPTHWISE_CONV_2D",)
    template = "depthwise_conv_2d.c.j2"

    def supports(self, p: DepthwiseConv2DParams, cpu: Cpu) -> bool:
        if p.input_shape[3] != 1 or p.output_shape[3] == 1:
            return True
        # on MVE a single input channel is handed to the ordinary convolution
        filters = (p.output_shape[3], *p.kernel, 1)
        return cmsis_nn_scratch.convolve_wrapper_s8_is_sound(
            cpu, p.input_shape, filters, p.output_shape, p.stride, p.pad, p.dilation
        )

    def scratch_bytes(self, p: DepthwiseConv2DParams, cpu: Cpu) -> int:
        return cmsis_nn_scratch.depthwise_conv_wrapper_s8(
            cpu, p.input_shape, p.weights.shape, p.output_shape, p.stride, p.pad, p.dilation
        )
