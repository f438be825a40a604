"""Layers with int4 weights, packed in flash: by CMSIS-NN where its functions compute them right, else by our own.

Costs and bytes of code are those of our portable code: who gives Arm's library gets its functions without comparing
them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from edgeq.ir import frozen_array, packed_int4
from edgeq.kernels import cmsis_nn_scratch_s4, find_kernel, register
from edgeq.kernels.base import Kernel
from edgeq.kernels.walking import WindowByWindow
from edgeq.ops.conv_2d import Conv2DParams
from edgeq.ops.depthwise_conv_2d import DepthwiseConv2DParams
from edgeq.ops.fully_connected import FullyConnectedParams
from edgeq.target import Cpu

# Instructions of a MAC, and of a tap of a depthwise filter.
_PER_MAC = 7
_PER_TAP = 18


class _Int4(Kernel):
    weight_types = ("int4",)

    def extras(self, p: Any, cpu: Cpu) -> Mapping[str, np.ndarray]:
        """`packed`: the weights, two to an int8. The linker drops the array of whole bytes, which nothing refers to."""
        return {"packed": frozen_array(packed_int4(p.weights))}


class _Convolve(_Int4):
    ops = ("CONV_2D",)

    def cost(self, p: Conv2DParams, cpu: Cpu) -> int:
        return _PER_MAC * math.prod(p.output_shape) * math.prod(p.weights.shape[1:])


class _FullyConnected(_Int4):
    ops = ("FULLY_CONNECTED",)

    def cost(self, p: FullyConnectedParams, cpu: Cpu) -> int:
        return p.batches * p.units * (_PER_MAC * p.depth + 80)


class _Depthwise(_Int4):
    ops = ("DEPTHWISE_CONV_2D",)

    def cost(self, p: DepthwiseConv2DParams, cpu: Cpu) -> int:
        return math.prod(p.output_shape) * (_PER_TAP * math.prod(p.kernel) + 90)


@register
class ConvolveWrapperS4(_Convolve):
    name = "arm_convolve_wrapper_s4"
    template = "conv_2d_s4.c.j2"
    code_bytes = 846

    def supports(self, p: Conv2DParams, cpu: Cpu) -> bool:
        return cmsis_nn_scratch_s4.convolve_is_sound(
            cpu, p.input_shape, p.weights.shape, p.output_shape, p.stride, p.pad, p.dilation
        )

    def scratch_bytes(self, p: Conv2DParams, cpu: Cpu) -> int:
        return cmsis_nn_scratch_s4.convolve(cpu, p.input_shape, p.weights.shape, p.stride, p.pad, p.dilation)


@register
class ConvolveS4(WindowByWindow, _Convolve):
    """Groups, and what CMSIS-NN gets wrong."""

    name = "edgeq_convolve_s4"
    template = "conv_2d_s4_own.c.j2"
    code_bytes = 954

    def supports(self, p: Conv2DParams, cpu: Cpu) -> bool:
        return not find_kernel(ConvolveWrapperS4.name).supports(p, cpu)


@register
class DepthwiseConvWrapperS4(_Depthwise):
    name = "arm_depthwise_conv_wrapper_s4"
    template = "depthwise_conv_2d_s4.c.j2"

    def supports(self, p: DepthwiseConv2DParams, cpu: Cpu) -> bool:
        return cmsis_nn_scratch_s4.depthwise_is_sound(cpu, p.input_shape, p.weights.shape, p.dilation)

    def scratch_bytes(self, p: DepthwiseConv2DParams, cpu: Cpu) -> int:
        return cmsis_nn_scratch_s4.depthwise(cpu, p.input_shape, p.weights.shape, p.dilation)


@register
class DepthwiseConvS4(WindowByWindow, _Depthwise):
    """What CMSIS-NN gets wrong."""

    name = "edgeq_depthwise_conv_s4"
    template = "depthwise_conv_2d_s4_own.c.j2"

    def supports(self, p: DepthwiseConv2DParams, cpu: Cpu) -> bool:
        return not find_kernel(DepthwiseConvWrapperS4.name).supports(p, cpu)


@register
class FullyConnectedS4(_FullyConnected):
    """One factor for all units."""

    name = "arm_fully_connected_s4"
    template = "fully_connected_s4.c.j2"
    code_bytes = 346

    def supports(self, p: FullyConnectedParams, cpu: Cpu) -> bool:
        return not p.single_rounding and not p.per_channel


@register
class FullyConnectedSingleRoundingS4(_FullyConnected):
    name = "edgeq_fully_connected_single_rounding_s4"
    template = "fully_connected_s4_own.c.j2"

    def supports(self, p: FullyConnectedParams, cpu: Cpu) -> bool:
        return bool(p.single_rounding)


@register
class FullyConnectedPerChannelS4(_FullyConnected):
    """A factor per unit."""

    name = "edgeq_fully_connected_s4"
    template = "fully_connected_s4_own.c.j2"
    code_bytes = 366

    def supports(self, p: FullyConnectedParams, cpu: Cpu) -> bool:
        return not p.single_rounding and p.per_channel
