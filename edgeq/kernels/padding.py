"""PAD and PADV2 by CMSIS-NN, and by our own kernel where it cannot."""

from __future__ import annotations

from edgeq.kernels import register
from edgeq.kernels.base import Kernel
from edgeq.ops.padding import PadParams
from edgeq.target import Cpu


@register
class PadS8(Kernel):
    """Four axes; tensors of other ranks are viewed as four where the padded axes allow it."""

    name = "arm_pad_s8"
    ops = ("PAD", "PADV2")
    template = "padding.c.j2"

    def supports(self, p: PadParams, cpu: Cpu) -> bool:
        return len(p.blocks.sizes) == 4 and (p.itemsize == 1 or p.value == 0)


@register
class PadS16(Kernel):
    """int16 by other values than 0: arm_pad_s8 fills bytes."""

    name = "edgeq_pad_s16"
    ops = ("PAD", "PADV2")
    template = "padding_s16.c.j2"

    def supports(self, p: PadParams, cpu: Cpu) -> bool:
        return len(p.blocks.sizes) == 4 and p.itemsize == 2 and p.value != 0
