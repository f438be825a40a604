"""PAD and PADV2 by CMSIS-NN."""

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
        return len(p.blocks.sizes) == 4
