"""Layers with ternary and binary weights, 2 bits and one bit each in flash, on any core."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from edgeq.ir import DType, frozen_array
from edgeq.kernels import register
from edgeq.kernels.base import Kernel
from edgeq.kernels.packing import packed_bits, packed_ternary
from edgeq.kernels.walking import WindowByWindow
from edgeq.ops.conv_2d import Conv2DParams
from edgeq.ops.depthwise_conv_2d import DepthwiseConv2DParams
from edgeq.ops.fully_connected import FullyConnectedParams
from edgeq.target import Cpu


class _Ternary(Kernel):
    weight_types = (DType.TERNARY.value,)
    per_mac: ClassVar[int] = 7

    def extras(self, p: Any, cpu: Cpu) -> Mapping[str, np.ndarray]:
        """`packed`: the weights, four to an int8."""
        return {"packed": frozen_array(packed_ternary(p.weights))}


class _Binary(Kernel):
    weight_types = (DType.BINARY.value,)
    per_mac: ClassVar[int] = 13

    def extras(self, p: Any, cpu: Cpu) -> Mapping[str, np.ndarray]:
        """`packed`: the weights, eight to an int8."""
        return {"packed": frozen_array(packed_bits(p.weights > 0))}


# Instructions of what every result needs beside its MACs, and of a tap of a depthwise filter.
_PER_RESULT, _PER_TAP = 110, 20


def _cost(results: int, macs: int, per_mac: int, cpu: Cpu) -> int:
    """Of so many results of so many MACs each; half as many more on ARMv6-M."""
    instructions = results * (per_mac * macs + _PER_RESULT)
    return 3 * instructions // 2 if cpu.arch == "armv6-m" else instructions


class _Convolve(WindowByWindow):
    per_mac: ClassVar[int]
    ops = ("CONV_2D",)
    template = "conv_2d_s4_own.c.j2"

    def cost(self, p: Conv2DParams, cpu: Cpu) -> int:
        results = int(np.prod(p.output_shape))
        # beside kernels that take windows whole, beginning every row anew counts
        rows = 45 * p.kernel[0] * results if cpu.dsp else 0
        return rows + _cost(results, int(np.prod(p.weights.shape[1:])), self.per_mac, cpu)


class _Depthwise(WindowByWindow):
    ops = ("DEPTHWISE_CONV_2D",)
    template = "depthwise_conv_2d_s4_own.c.j2"

    def cost(self, p: DepthwiseConv2DParams, cpu: Cpu) -> int:
        return _cost(int(np.prod(p.output_shape)), int(np.prod(p.kernel)), _PER_TAP, cpu)


class _FullyConnected(Kernel):
    ops = ("FULLY_CONNECTED",)
    template = "fully_connected_s4_own.c.j2"
    single: ClassVar[bool] = False
    per_mac: ClassVar[int]

    def cost(self, p: FullyConnectedParams, cpu: Cpu) -> int:
        return _cost(p.batches * p.units, p.depth, self.per_mac, cpu)

    def supports(self, p: FullyConnectedParams, cpu: Cpu) -> bool:
        return bool(p.single_rounding) == self.single


@register
class ConvolveTernaryS8(_Convolve, _Ternary):
    name = "edgeq_convolve_ternary_s8"


@register
class ConvolveBinaryS8(_Convolve, _Binary):
    name = "edgeq_convolve_binary_s8"


@register
class DepthwiseConvTernaryS8(_Depthwise, _Ternary):
    name = "edgeq_depthwise_conv_ternary_s8"


@register
class DepthwiseConvBinaryS8(_Depthwise, _Binary):
    name = "edgeq_depthwise_conv_binary_s8"


@register
class FullyConnectedTernaryS8(_FullyConnected, _Ternary):
    name = "edgeq_fully_connected_ternary_s8"


@register
class FullyConnectedBinaryS8(_FullyConnected, _Binary):
    name = "edgeq_fully_connected_binary_s8"


@register
class FullyConnectedSingleRoundingTernaryS8(_FullyConnected, _Ternary):
    name = "edgeq_fully_connected_single_rounding_ternary_s8"
    single = True


@register
class FullyConnectedSingleRoundingBinaryS8(_FullyConnected, _Binary):
    name = "edgeq_fully_connected_single_rounding_binary_s8"
    single = True
