"""ADD and SUB by CMSIS-NN, and by our own kernel where an operand is broadcast."""

from __future__ import annotations

from edgeq.kernels import register
from edgeq.kernels.base import Kernel
from edgeq.ops.addition import AdditionParams
from edgeq.target import Cpu


@register
class ElementwiseAddS8(Kernel):
    name = "arm_elementwise_add_s8"
    ops = ("ADD", "SUB")
    template = "addition.c.j2"
    in_place = True

    def supports(self, p: AdditionParams, cpu: Cpu) -> bool:
        return not p.broadcasts


@register
class AddBroadcastS8(Kernel):
    name = "edgeq_add_broadcast_s8"
    ops = ("ADD", "SUB")
    template = "addition_broadcast.c.j2"
    in_place = True

    def supports(self, p: AdditionParams, cpu: Cpu) -> bool:
        return p.broadcasts and len(p.output_shape) <= MAX_RANK


#: Axes that our broadcasting kernels count over.
MAX_RANK = 6
