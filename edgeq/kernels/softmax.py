"""SOFTMAX by CMSIS-NN, of int16 by our own kernel; CAUSAL_SOFTMAX by kernels that call these row by row."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from edgeq.ir import DType
from edgeq.kernels import register
from edgeq.kernels.base import Kernel
from edgeq.ops.causal_softmax import CausalSoftmax16Params, CausalSoftmaxParams
from edgeq.ops.softmax import SoftmaxParams
from edgeq.ops.softmax16 import EXP, RECIPROCAL, Softmax16Params
from edgeq.target import Cpu


@register
class SoftmaxS8(Kernel):
    name = "arm_softmax_s8"
    ops = ("SOFTMAX",)
    template = "softmax.c.j2"
    in_place = True

    def supports(self, p: object, cpu: Cpu) -> bool:
        return isinstance(p, SoftmaxParams) and p.output_type == DType.INT8.value


@register
class SoftmaxS8S16(Kernel):
    name = "arm_softmax_s8_s16"
    ops = ("SOFTMAX",)
    template = "softmax.c.j2"

    def supports(self, p: object, cpu: Cpu) -> bool:
        return isinstance(p, SoftmaxParams) and p.output_type == DType.INT16.value


@register
class SoftmaxS16(Kernel):
    """`exp`, `reciprocal`: the tables. Not arm_softmax_s16, which overflows for some sums of five elements and more."""

    name = "edgeq_softmax_s16"
    ops = ("SOFTMAX",)
    template = "softmax_s16.c.j2"
    in_place = True

    def supports(self, p: object, cpu: Cpu) -> bool:
        return isinstance(p, Softmax16Params)

    def extras(self, p: Softmax16Params, cpu: Cpu) -> Mapping[str, np.ndarray]:
        return {"exp": EXP, "reciprocal": RECIPROCAL}


@register
class CausalSoftmaxS8(Kernel):
    name = "edgeq_causal_softmax_s8"
    ops = ("CAUSAL_SOFTMAX",)
    template = "causal_softmax.c.j2"
    in_place = True

    def supports(self, p: object, cpu: Cpu) -> bool:
        return isinstance(p, CausalSoftmaxParams)


@register
class CausalSoftmaxS16(SoftmaxS16):
    name = "edgeq_causal_softmax_s16"
    ops = ("CAUSAL_SOFTMAX",)
    template = "causal_softmax_s16.c.j2"

    def supports(self, p: object, cpu: Cpu) -> bool:
        return isinstance(p, CausalSoftmax16Params)
