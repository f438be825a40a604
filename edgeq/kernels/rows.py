"""Functions of rows that CMSIS-NN lacks, by our own kernels."""

from __future__ import annotations

from edgeq.kernels import register
from edgeq.kernels.base import Kernel


@register
class LogSoftmaxS8(Kernel):
    name = "edgeq_log_softmax_s8"
    ops = ("LOG_SOFTMAX",)
    template = "log_softmax.c.j2"
    in_place = True


@register
class L2NormalizationS8(Kernel):
    name = "edgeq_l2_normalization_s8"
    ops = ("L2_NORMALIZATION",)
    template = "l2_normalization.c.j2"
    in_place = True
