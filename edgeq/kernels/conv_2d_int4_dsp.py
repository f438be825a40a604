"""CONV_2D with int4 weights by our own kernel for cores with the DSP extension."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from edgeq.ir import frozen_array
from edgeq.kernels import register
from edgeq.kernels.conv_2d_4x2_dsp import ByFour, by_four_cost, widened_order, widened_weights
from edgeq.kernels.int4_tables import FOUR, fit_four, lanes_of_four, quant_of_four
from edgeq.kernels.packing import blocks, wrap_int32
from edgeq.ops.conv_2d import Conv2DParams
from edgeq.target import Cpu

# What is added to the weights of a, b, c and d.
_CODES = np.array([8, 0, 8, 0], np.int8).reshape(1, FOUR, 1, 1)


@register
class ConvolveDspS4(ByFour):
    """No groups, four output channels and more.

    `packed` begins with the kind of requantization (`int4_tables.quant_of_four`). It holds one record per four output
    channels (a, b, c, d): for each step of `widened_order` a word (`int4_tables.lanes_of_four`) of a + 8, b, c + 8 and
    d; the requantization.
    """

    name = "edgeq_convolve_dsp_s4"
    weight_types = ("int4",)
    tuned = True
    code_bytes = 3952

    def supports(self, p: Conv2DParams, cpu: Cpu) -> bool:
        return (
            cpu.dsp and not cpu.mve and p.groups == 1 and p.weights.shape[0] >= FOUR and fit_four(p, _rows(p.weights))
        )

    def cost(self, p: Conv2DParams, cpu: Cpu) -> int:
        steps = len(widened_order(p))
        return by_four_cost(p, 2 * (12 * steps + 65), FOUR, 7 * steps + 150)

    def extras(self, p: Conv2DParams, cpu: Cpu) -> Mapping[str, np.ndarray]:
        records = blocks(len(p.weights), FOUR)
        kind, quant = quant_of_four(p, _rows(p.weights), records)
        steps = widened_weights(p)[records]
        words = np.concatenate([lanes_of_four(steps + _CODES), quant], axis=1)
        return {"packed": frozen_array(wrap_int32(np.append(kind, words)))}


def _rows(weights: np.ndarray) -> np.ndarray:
    return weights.reshape(len(weights), -1)
