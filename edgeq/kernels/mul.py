"""MUL by CMSIS-NN, and by our own kernel where an operand is broadcast."""

from __future__ import annotations

from edgeq.kernels import register
from edgeq.kernels.addition import MAX_RANK
from edgeq.kernels.base import Kernel
from edgeq.ops.mul import MulParams
from edgeq.target import Cpu


@register
class ElementwiseMulS8(Kernel):
    name = "arm_elementwise_mul_s8"
    ops = ("MUL",)
    template = "mul.c.j2"
    in_place = True

    def supports(self, p: MulParams, cpu: Cpu) -> bool:
        return not p.broadcasts


@register
class MulBroadcastS8(Kernel):
    name = "edgeq_mul_broadcast_s8"
    ops = ("MUL",)
    template = "mul_broadcast.c.j2"
    in_place = True

    def supports(self, p: MulParams, cpu: Cpu) -> bool:
        return p.broadcasts and len(p.output_shape) <= MAX_RANK


@register
class ElementwiseMulS16(ElementwiseMulS8):
    name = "arm_elementwise_mul_s16"
    dtype = "int16"


@register
class MulBroadcastS16(MulBroadcastS8):
    name = "edgeq_mul_broadcast_s16"
    dtype = "int16"
