"""ADD and SUB of equal shapes by our own kernel: what an operand contributes is a function of one int8."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from edgeq.fixedpoint import INT32_MAX, requantize
from edgeq.ir import frozen_array
from edgeq.kernels import register
from edgeq.kernels.base import Kernel
from edgeq.ops.addition import AdditionParams
from edgeq.target import Cpu


@register
class AddTablesS8(Kernel):
    """Operands of one shape.

    `table1` and `table2`, int32 (256,): of each operand from −128 to 127 twice its value on the common scale, negated
    where it is subtracted; 2 KB of flash for some 60 instructions less per element. `quant`: how twice the sum is
    requantized, multiplier, addend and shift as `edgeq.kernels.packing` has them.
    """

    name = "edgeq_add_tables_s8"
    ops = ("ADD", "SUB")
    template = "addition_tables.c.j2"
    tuned = True
    code_bytes = 462
    in_place = True

    def supports(self, p: AdditionParams, cpu: Cpu) -> bool:
        return not cpu.mve and not p.broadcasts and _quant(p) is not None

    def cost(self, p: AdditionParams, cpu: Cpu) -> int:
        return 60 + p.size * (11 if cpu.dsp else 18)

    def extras(self, p: AdditionParams, cpu: Cpu) -> Mapping[str, np.ndarray]:
        table1, table2 = _tables(p)
        return {
            "table1": frozen_array(table1.astype(np.int32)),
            "table2": frozen_array(table2.astype(np.int32)),
            "quant": frozen_array(np.array(_quant(p), np.int32)),
        }


def _tables(p: AdditionParams) -> tuple[np.ndarray, np.ndarray]:
    every = np.arange(-128, 128, dtype=np.int64)
    first = requantize((every + p.input1_offset) << p.left_shift, p.input1_multiplier, p.input1_shift)
    second = requantize((every + p.input2_offset) << p.left_shift, p.input2_multiplier, p.input2_shift)
    return 2 * first, -2 * second if p.subtracts else 2 * second


def _quant(p: AdditionParams) -> tuple[int, int, int] | None:
    """Multiplier, addend and shift; None where a sum could leave int32 or the factor does not shift to the right."""
    shift = -p.output_shift
    if shift < 1 or p.output_multiplier < 0:
        return None
    largest = sum(int(np.abs(table).max()) for table in _tables(p))
    once = (largest * p.output_multiplier + (1 << 31)) >> 32
    addend = (1 << shift - 1) + (p.output_offset << shift)
    if max(largest, abs(addend) + once + 1) > INT32_MAX:
        return None
    return p.output_multiplier, addend, shift
