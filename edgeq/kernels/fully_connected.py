"""FULLY_CONNECTED by CMSIS-NN, and by our own kernel where requantization rounds once."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from edgeq.ir import frozen_array
from edgeq.kernels import cmsis_nn_scratch, register
from edgeq.kernels.base import Kernel, cmsis_nn_cost
from edgeq.ops.fully_connected import FullyConnectedParams
from edgeq.target import Cpu


@register
class FullyConnectedWrapperS8(Kernel):
    name = "arm_fully_connected_wrapper_s8"
    ops = ("FULLY_CONNECTED",)
    template = "fully_connected.c.j2"
    code_bytes = 3098

    def supports(self, p: FullyConnectedParams, cpu: Cpu) -> bool:
        return not p.single_rounding

    def cost(self, p: FullyConnectedParams, cpu: Cpu) -> int:
        return cmsis_nn_cost(p.batches * p.units * (40 + 2 * p.depth), cpu)

    def extras(self, p: FullyConnectedParams, cpu: Cpu) -> Mapping[str, np.ndarray]:
        """On MVE `sums`: what the function wants in its context's buffer, int32 (units,); it only reads it."""
        if not cpu.mve:
            return {}
        return {"sums": frozen_array(cmsis_nn_scratch.fully_connected_sums(p.weights, p.bias, p.input_offset))}


@register
class FullyConnectedSingleRoundingS8(Kernel):
    name = "edgeq_fully_connected_single_rounding_s8"
    ops = ("FULLY_CONNECTED",)
    template = "fully_connected_single_rounding.c.j2"

    def supports(self, p: FullyConnectedParams, cpu: Cpu) -> bool:
        return bool(p.single_rounding)
