"""CONV_2D by CMSIS-NN."""

from __future__ import annotations

import numpy as np

from edgeq.kernels import cmsis_nn_scratch, find_kernel, register
from edgeq.kernels.base import Kernel, cmsis_nn_cost
from edgeq.ops.conv_2d import Conv2DParams
from edgeq.target import Cpu


@register
class ConvolveWrapperS8(Kernel):
    """Any stride, dilation, groups and padding, but for some one-row images on MVE; CMSIS-NN picks the variant."""

    name = "arm_convolve_wrapper_s8"
    ops = ("CONV_2D",)
    template = "conv_2d.c.j2"
    code_bytes = 6442

    def supports(self, p: Conv2DParams, cpu: Cpu) -> bool:
        return cmsis_nn_scratch.convolve_wrapper_s8_is_sound(
            cpu, p.input_shape, p.weights.shape, p.output_shape, p.stride, p.pad, p.dilation
        )

    def cost(self, p: Conv2DParams, cpu: Cpu) -> int:
        return _cost(p, cpu)

    def scratch_bytes(self, p: Conv2DParams, cpu: Cpu) -> int:
        return cmsis_nn_scratch.convolve_wrapper_s8(
            cpu, p.input_shape, p.weights.shape, p.output_shape, p.stride, p.pad, p.dilation
        )


@register
class ConvolveS8(Kernel):
    """The general algorithm, for the images that the wrapper gets wrong: their padding does not matter to it."""

    name = "arm_convolve_s8"
    ops = ("CONV_2D",)
    template = "conv_2d_general.c.j2"

    def supports(self, p: Conv2DParams, cpu: Cpu) -> bool:
        return not find_kernel(ConvolveWrapperS8.name).supports(p, cpu)

    def cost(self, p: Conv2DParams, cpu: Cpu) -> int:
        return _cost(p, cpu)

    def scratch_bytes(self, p: Conv2DParams, cpu: Cpu) -> int:
        return cmsis_nn_scratch.convolve_s8(cpu, p.input_shape, p.weights.shape)


def _cost(p: Conv2DParams, cpu: Cpu) -> int:
    """Instructions: a product of matrices, windows copied unless they are pixels."""
    window = int(np.prod(p.weights.shape[1:]))
    outputs = int(np.prod(p.output_shape))
    with_dsp = outputs * (40 + 3 * window // 2 if p.kernel == (1, 1) else 80 + 5 * window // 3)
    return cmsis_nn_cost(with_dsp, cpu)
