"""Operators that only move elements, by our own kernels."""

from __future__ import annotations

from edgeq.kernels import register
from edgeq.kernels.addition import MAX_RANK
from edgeq.kernels.base import Kernel
from edgeq.ops import ops_with
from edgeq.ops.gather_nd import GatherNdParams
from edgeq.ops.indexed import IndexedParams
from edgeq.ops.movement import CopyParams
from edgeq.ops.one_hot import OneHotParams
from edgeq.ops.reverse_sequence import ReverseSequenceParams
from edgeq.ops.selection import GatherParams
from edgeq.ops.space_to_batch_nd import ScatterParams
from edgeq.target import Cpu

#: Tiling makes two axes of one.
MAX_COPY_RANK = 8


@register
class CopyS8(Kernel):
    """One call per result."""

    name = "edgeq_copy_s8"
    ops = ops_with(CopyParams)
    template = "movement.c.j2"

    def supports(self, p: CopyParams, cpu: Cpu) -> bool:
        return all(len(dims) <= MAX_COPY_RANK for dims in p.dims)


@register
class GatherS8(Kernel):
    name = "edgeq_gather_s8"
    ops = ops_with(GatherParams)
    template = "gather.c.j2"

    def supports(self, p: object, cpu: Cpu) -> bool:
        return isinstance(p, GatherParams) and len(p.dims) <= MAX_RANK


@register
class Rows(Kernel):
    name = "edgeq_rows"
    ops = ops_with(IndexedParams)
    template = "rows.c.j2"

    def supports(self, p: object, cpu: Cpu) -> bool:
        return isinstance(p, IndexedParams)


@register
class GatherNd(Kernel):
    name = "edgeq_gather_nd"
    ops = ops_with(GatherNdParams)
    template = "gather_nd.c.j2"

    def supports(self, p: GatherNdParams, cpu: Cpu) -> bool:
        return len(p.dims) <= MAX_RANK


@register
class ScatterS8(Kernel):
    name = "edgeq_scatter_s8"
    ops = ops_with(ScatterParams)
    template = "scatter.c.j2"

    def supports(self, p: ScatterParams, cpu: Cpu) -> bool:
        return len(p.dims) <= MAX_RANK


@register
class ReverseSequence(Kernel):
    name = "edgeq_reverse_sequence"
    ops = ops_with(ReverseSequenceParams)
    template = "reverse_sequence.c.j2"


@register
class OneHot(Kernel):
    name = "edgeq_one_hot"
    ops = ops_with(OneHotParams)
    template = "one_hot.c.j2"
