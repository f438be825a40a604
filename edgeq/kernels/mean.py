"""MEAN by our own kernel."""

from __future__ import annotations

from edgeq.kernels import register
from edgeq.kernels.base import Kernel
from edgeq.ops.mean import MeanParams
from edgeq.target import Cpu

#: Axes that the kernel counts over, kept and reduced ones each.
MAX_RANK = 6


@register
class MeanS8(Kernel):
    name = "edgeq_mean_s8"
    ops = ("MEAN",)
    template = "mean.c.j2"

    def supports(self, p: MeanParams, cpu: Cpu) -> bool:
        return len(p.kept_dims) <= MAX_RANK and len(p.reduced_dims) <= MAX_RANK
