"""LOGISTIC and TANH of int16 by our own kernels."""

from __future__ import annotations

from edgeq.kernels import register
from edgeq.kernels.base import Kernel
from edgeq.ops.sigmoid16 import SigmoidParams
from edgeq.target import Cpu


class _Sigmoid(Kernel):
    template = "sigmoid.c.j2"
    in_place = True

    def supports(self, p: object, cpu: Cpu) -> bool:
        return isinstance(p, SigmoidParams)


@register
class LogisticS16(_Sigmoid):
    name = "edgeq_logistic_s16"
    ops = ("LOGISTIC",)


@register
class TanhS16(_Sigmoid):
    name = "edgeq_tanh_s16"
    ops = ("TANH",)
