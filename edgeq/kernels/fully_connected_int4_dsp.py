"""FULLY_CONNECTED with int4 weights by our own kernel for cores with the DSP extension."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from edgeq.ir import frozen_array
from edgeq.kernels import register
from edgeq.kernels.base import Kernel
from edgeq.kernels.int4_tables import FOUR, fit_four, lanes_of_four, quant_of_four
from edgeq.kernels.packing import blocks, padded_rows, wrap_int32
from edgeq.ops.fully_connected import FullyConnectedParams
from edgeq.target import Cpu

# What is added to the weights of a, b, c and d.
_CODES = np.array([8, 8, 8, 0], np.int8).reshape(1, FOUR, 1, 1)


@register
class FullyConnectedDspS4(Kernel):
    """Any number of inputs and units.

    `packed` begins with the kind of requantization (`int4_tables.quant_of_four`). It holds one record per four units
    (a, b, c, d): for every four inputs a word (`int4_tables.lanes_of_four`) of inputs 0 and 2 and one of 1 and 3, with
    a + 8, b + 8, c + 8 and d; the requantization. A depth that is no multiple of four ends with the last four weights,
    those that came before set to 0; below four, zeros follow.
    """

    name = "edgeq_fully_connected_dsp_s4"
    ops = ("FULLY_CONNECTED",)
    template = "fully_connected_dsp.c.j2"
    weight_types = ("int4",)
    tuned = True
    code_bytes = 1342

    def supports(self, p: FullyConnectedParams, cpu: Cpu) -> bool:
        return cpu.dsp and not cpu.mve and not p.single_rounding and fit_four(p, p.weights)

    def cost(self, p: FullyConnectedParams, cpu: Cpu) -> int:
        fours = -(-p.depth // 4)
        return 60 + p.batches * (100 + 5 * fours + -(-p.units // FOUR) * (19 * fours + 42))

    def extras(self, p: FullyConnectedParams, cpu: Cpu) -> Mapping[str, np.ndarray]:
        records = blocks(p.units, FOUR)
        kind, quant = quant_of_four(p, p.weights, records)
        rows = padded_rows(np.pad(p.weights, ((0, 0), (0, max(4 - p.depth, 0)))))
        steps = rows.reshape(p.units, -1, 2, 2).swapaxes(2, 3).reshape(p.units, -1, 2)  # (0 2), (1 3)
        words = np.concatenate([lanes_of_four(steps[records] + _CODES), quant], axis=1)
        return {"packed": frozen_array(wrap_int32(np.append(kind, words)))}
