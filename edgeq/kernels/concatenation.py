"""CONCATENATION and PACK by CMSIS-NN."""

from __future__ import annotations

from edgeq.kernels import register
from edgeq.kernels.base import Kernel
from edgeq.ops.concatenation import ConcatenationParams
from edgeq.target import Cpu

_UINT16_MAX = 0xFFFF


@register
class ConcatenationS8(Kernel):
    """One call per operand; sizes are 16 bits wide."""

    name = "arm_concatenation_s8_x"
    ops = ("CONCATENATION", "PACK")
    template = "concatenation.c.j2"

    def supports(self, p: ConcatenationParams, cpu: Cpu) -> bool:
        return p.rows > 1 and max(p.rows, p.output_row_size) <= _UINT16_MAX


@register
class ReshapeS8(Kernel):
    """One copy per operand, where each is contiguous in the result."""

    name = "arm_reshape_s8"
    ops = ("CONCATENATION", "PACK")
    template = "concatenation_copy.c.j2"

    def supports(self, p: ConcatenationParams, cpu: Cpu) -> bool:
        return p.rows == 1
