"""MEAN, SUM, REDUCE_MAX, REDUCE_MIN, REDUCE_PROD and the like by our own kernels."""

from __future__ import annotations

from edgeq.kernels import register
from edgeq.kernels.base import Kernel
from edgeq.ops.mean import Reduction
from edgeq.ops.sum import SumParams
from edgeq.target import Cpu

#: Axes that the kernel counts over, kept and reduced ones each.
MAX_RANK = 6


class _ReductionS8(Kernel):
    def supports(self, p: Reduction, cpu: Cpu) -> bool:
        return len(p.kept_dims) <= MAX_RANK and len(p.reduced_dims) <= MAX_RANK


@register
class MeanS8(_ReductionS8):
    name = "edgeq_mean_s8"
    ops = ("MEAN",)
    template = "mean.c.j2"


@register
class SumS8(_ReductionS8):
    """By thresholds."""

    name = "edgeq_sum_s8"
    ops = ("SUM",)
    template = "sum.c.j2"

    def supports(self, p: Reduction, cpu: Cpu) -> bool:
        return isinstance(p, SumParams) and super().supports(p, cpu)


@register
class ReduceMaxS8(_ReductionS8):
    name = "edgeq_reduce_max_s8"
    ops = ("REDUCE_MAX",)
    template = "reduce_extreme.c.j2"


@register
class ReduceMinS8(_ReductionS8):
    name = "edgeq_reduce_min_s8"
    ops = ("REDUCE_MIN",)
    template = "reduce_extreme.c.j2"


@register
class ReduceProdS8(_ReductionS8):
    name = "edgeq_reduce_prod_s8"
    ops = ("REDUCE_PROD",)
    template = "reduce_prod.c.j2"


@register
class ReduceProdS16(ReduceProdS8):
    name = "edgeq_reduce_prod_s16"
    dtype = "int16"


@register
class MeanS16(MeanS8):
    name = "edgeq_mean_s16"
    ops = ("MEAN", "SUM")
    dtype = "int16"


@register
class ReduceMaxS16(ReduceMaxS8):
    name = "edgeq_reduce_max_s16"
    dtype = "int16"


@register
class ReduceMinS16(ReduceMinS8):
    name = "edgeq_reduce_min_s16"
    dtype = "int16"


class _ReductionBool(_ReductionS8):
    template = "reduce_extreme.c.j2"
    dtype = "bool"


@register
class ReduceAll(_ReductionBool):
    name = "edgeq_reduce_all"
    ops = ("REDUCE_ALL",)


@register
class ReduceAny(_ReductionBool):
    name = "edgeq_reduce_any"
    ops = ("REDUCE_ANY",)
