"""AVERAGE_POOL_2D by CMSIS-NN."""

from __future__ import annotations

import math

from edgeq.kernels import cmsis_nn_scratch, register
from edgeq.kernels.base import Kernel
from edgeq.ops.pooling import PoolParams
from edgeq.target import Cpu


@register
class AvgpoolS8(Kernel):
    name = "arm_avgpool_s8"
    ops = ("AVERAGE_POOL_2D",)
    template = "average_pool_2d.c.j2"
    code_bytes = 508

    def cost(self, p: PoolParams, cpu: Cpu) -> int:
        return math.prod(p.output_shape) * (20 + math.prod(p.kernel))

    def scratch_bytes(self, p: PoolParams, cpu: Cpu) -> int:
        return cmsis_nn_scratch.avgpool_s8(cpu, p.input_shape[3])


@register
class AvgpoolS16(AvgpoolS8):
    """The scratch is the same: a row of int32 sums."""

    name = "arm_avgpool_s16"
    dtype = "int16"
