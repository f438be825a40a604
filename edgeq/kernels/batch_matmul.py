"""BATCH_MATMUL by our own kernel, which takes operands of any layout as they lie in memory."""

from edgeq.kernels import register
from edgeq.kernels.base import Kernel
from edgeq.ops.batch_matmul import BatchMatmulParams
from edgeq.target import Cpu


@register
class BatchMatmulS8(Kernel):
    name = "edgeq_batch_matmul_s8"
    ops = ("BATCH_MATMUL",)
    template = "batch_matmul.c.j2"

    def cost(self, p: BatchMatmulParams, cpu: Cpu) -> int:
        products = p.rows * p.columns
        for size in p.batch:
            products *= size
        return products * (25 + 6 * p.depth)


@register
class BatchMatmulS16(Kernel):
    """Sums of 64 bits."""

    name = "edgeq_batch_matmul_s16"
    ops = ("BATCH_MATMUL",)
    template = "batch_matmul.c.j2"
    dtype = "int16"
