"""Elementwise operators of two operands that broadcast, by our own kernels."""

from __future__ import annotations

from edgeq.kernels import register
from edgeq.kernels.addition import MAX_RANK
from edgeq.kernels.base import Kernel
from edgeq.ops.pairwise import PairwiseParams
from edgeq.target import Cpu


class _PairwiseS8(Kernel):
    in_place = True

    def supports(self, p: PairwiseParams, cpu: Cpu) -> bool:
        return len(p.output_shape) <= MAX_RANK


@register
class MinimumS8(_PairwiseS8):
    name = "edgeq_minimum_s8"
    ops = ("MINIMUM",)
    template = "extreme.c.j2"


@register
class MaximumS8(_PairwiseS8):
    name = "edgeq_maximum_s8"
    ops = ("MAXIMUM",)
    template = "extreme.c.j2"


@register
class MinimumS16(MinimumS8):
    name = "edgeq_minimum_s16"
    dtype = "int16"


@register
class MaximumS16(MaximumS8):
    name = "edgeq_maximum_s16"
    dtype = "int16"


@register
class SquaredDifferenceS8(_PairwiseS8):
    name = "edgeq_squared_difference_s8"
    ops = ("SQUARED_DIFFERENCE",)
    template = "squared_difference.c.j2"


@register
class SquaredDifferenceS16(SquaredDifferenceS8):
    name = "edgeq_squared_difference_s16"
    dtype = "int16"


@register
class PreluS8(_PairwiseS8):
    name = "edgeq_prelu_s8"
    ops = ("PRELU",)
    template = "prelu.c.j2"


@register
class PreluS16(PreluS8):
    name = "edgeq_prelu_s16"
    dtype = "int16"


@register
class DivS8(_PairwiseS8):
    name = "edgeq_div_s8"
    ops = ("DIV",)
    template = "div.c.j2"
