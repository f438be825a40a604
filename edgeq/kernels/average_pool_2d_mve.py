"""AVERAGE_POOL_2D by our own kernel for cores with the vector extension."""

from __future__ import annotations

import math

from edgeq.kernels import register
from edgeq.kernels.base import Kernel
from edgeq.ops.pooling import PoolParams
from edgeq.target import Cpu

# So many int8 add up in int16.
_MOST_PIXELS = 256


@register
class AvgpoolMveS8(Kernel):
    name = "edgeq_avgpool_mve_s8"
    ops = ("AVERAGE_POOL_2D",)
    template = "average_pool_2d_mve.c.j2"
    tuned = True
    code_bytes = 438

    def supports(self, p: PoolParams, cpu: Cpu) -> bool:
        return cpu.mve and math.prod(p.kernel) <= _MOST_PIXELS

    def cost(self, p: PoolParams, cpu: Cpu) -> int:
        return math.prod(p.output_shape) * (14 + math.prod(p.kernel) // 2)
