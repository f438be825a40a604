"""ADD by CMSIS-NN, and by our own kernel where an operand is broadcast; SUB, which CMSIS-NN lacks, by our own."""

from __future__ import annotations

from edgeq.kernels import register
from edgeq.kernels.base import Kernel
from edgeq.ops.addition import AdditionParams
from edgeq.target import Cpu

#: Axes that our broadcasting kernels count over.
MAX_RANK = 6


@register
class ElementwiseAddS8(Kernel):
    name = "arm_elementwise_add_s8"
    ops = ("ADD",)
    template = "addition.c.j2"
    code_bytes = 1248
    in_place = True

    def supports(self, p: AdditionParams, cpu: Cpu) -> bool:
        return not p.broadcasts

    def cost(self, p: AdditionParams, cpu: Cpu) -> int:
        return (10 if cpu.mve else 71) * p.size


@register
class ElementwiseAddS16(ElementwiseAddS8):
    name = "arm_elementwise_add_s16"
    dtype = "int16"


@register
class AddBroadcastS8(Kernel):
    name = "edgeq_add_broadcast_s8"
    ops = ("ADD",)
    template = "addition_broadcast.c.j2"
    in_place = True

    def supports(self, p: AdditionParams, cpu: Cpu) -> bool:
        return p.broadcasts and len(p.output_shape) <= MAX_RANK


@register
class SubBroadcastS8(Kernel):
    """Equal shapes too. Not CMSIS-NN's sum with a negated multiplier: that rounds some ties the other way."""

    name = "edgeq_sub_broadcast_s8"
    ops = ("SUB",)
    template = "addition_broadcast.c.j2"
    in_place = True

    def supports(self, p: AdditionParams, cpu: Cpu) -> bool:
        return len(p.output_shape) <= MAX_RANK

    def cost(self, p: AdditionParams, cpu: Cpu) -> int:
        return 75 * p.size


@register
class AddBroadcastS16(AddBroadcastS8):
    name = "edgeq_add_broadcast_s16"
    dtype = "int16"


@register
class SubBroadcastS16(SubBroadcastS8):
    name = "edgeq_sub_broadcast_s16"
    dtype = "int16"
