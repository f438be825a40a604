"""Operators on plain integers and on conditions, by our own kernels."""

from __future__ import annotations

from edgeq.kernels import register
from edgeq.kernels.addition import MAX_RANK
from edgeq.kernels.base import Kernel
from edgeq.ops import ops_with
from edgeq.ops.arg_extreme import ArgExtremeParams
from edgeq.ops.cast import CastParams
from edgeq.ops.comparison import ComparisonParams
from edgeq.ops.cumsum import CumsumParams
from edgeq.ops.integers import IntegerPairwiseParams
from edgeq.ops.logical_not import LogicalNotParams
from edgeq.ops.selecting import SelectParams
from edgeq.ops.topk_v2 import TopkParams
from edgeq.program import Overlap
from edgeq.target import Cpu


@register
class Compare(Kernel):
    name = "edgeq_compare"
    ops = ops_with(ComparisonParams)
    template = "compare.c.j2"

    def overlap(self, p: ComparisonParams, cpu: Cpu) -> Overlap:
        # results are bytes
        return Overlap(in_place=p.input_type == "int8")

    def supports(self, p: object, cpu: Cpu) -> bool:
        return isinstance(p, ComparisonParams) and len(p.output_shape) <= MAX_RANK


@register
class IntegerPairwise(Kernel):
    name = "edgeq_integer_pairwise"
    ops = ops_with(IntegerPairwiseParams)
    template = "integer_pairwise.c.j2"

    def supports(self, p: object, cpu: Cpu) -> bool:
        return isinstance(p, IntegerPairwiseParams) and len(p.output_shape) <= MAX_RANK


@register
class LogicalNot(Kernel):
    name = "edgeq_logical_not"
    ops = ops_with(LogicalNotParams)
    template = "logical_not.c.j2"
    in_place = True


@register
class Select(Kernel):
    name = "edgeq_select"
    ops = ops_with(SelectParams)
    template = "select.c.j2"
    in_place = True

    def supports(self, p: SelectParams, cpu: Cpu) -> bool:
        return len(p.output_shape) <= MAX_RANK


@register
class ArgExtreme(Kernel):
    name = "edgeq_arg_extreme"
    ops = ops_with(ArgExtremeParams)
    template = "arg_extreme.c.j2"


@register
class Topk(Kernel):
    name = "edgeq_topk"
    ops = ops_with(TopkParams)
    template = "topk.c.j2"


@register
class Cast(Kernel):
    name = "edgeq_cast"
    ops = ops_with(CastParams)
    template = "cast.c.j2"


@register
class Cumsum(Kernel):
    name = "edgeq_cumsum"
    ops = ops_with(CumsumParams)
    template = "cumsum.c.j2"
    in_place = True

    def supports(self, p: CumsumParams, cpu: Cpu) -> bool:
        return not p.is_scaled


@register
class CumsumScaled(Cumsum):
    name = "edgeq_cumsum_scaled"

    def supports(self, p: CumsumParams, cpu: Cpu) -> bool:
        return p.is_scaled
