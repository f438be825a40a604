"""ADD by our own kernel for cores with the vector extension."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from edgeq.ir import frozen_array
from edgeq.kernels import register
from edgeq.kernels.base import Kernel
from edgeq.ops.addition import AdditionParams
from edgeq.target import Cpu

# The multiplier and shift of a factor of a half.
_HALF = (1 << 30, 0)


@register
class AddMveS8(Kernel):
    """Operands of equal shapes.

    `halved`: the number of the operand with the larger scale, 0 or 1, whose factor is a half.
    """

    name = "edgeq_add_mve_s8"
    ops = ("ADD",)
    template = "addition_mve.c.j2"
    in_place = True
    tuned = True
    code_bytes = 606

    def supports(self, p: AdditionParams, cpu: Cpu) -> bool:
        return cpu.mve and not p.broadcasts and _HALF in _factors(p) and p.output_shift < 0

    def cost(self, p: AdditionParams, cpu: Cpu) -> int:
        return 60 + 5 * p.size

    def extras(self, p: AdditionParams, cpu: Cpu) -> Mapping[str, np.ndarray]:
        return {"halved": frozen_array(np.array([_factors(p).index(_HALF)], np.int8))}


def _factors(p: AdditionParams) -> list[tuple[int, int]]:
    return [(p.input1_multiplier, p.input1_shift), (p.input2_multiplier, p.input2_shift)]
