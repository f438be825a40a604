"""DYNAMIC_BATCH_MATMUL, edgeq's own operator: BATCH_MATMUL of two blocks, exact sums at the product of their scales."""

from __future__ import annotations

import numpy as np

from edgeq.fixedpoint import Dialect
from edgeq.fixedpoint_scales import parts, product
from edgeq.ir import Graph, Node, Tensor
from edgeq.ops import register
from edgeq.ops.base import Lowered, check_accumulator
from edgeq.ops.batch_matmul import BatchMatmul, BatchMatmulAttrs, BatchMatmulWalk, products, walk_fields
from edgeq.ops.exact import float_type
from edgeq.ops.run_time import REACH, SCALE, RunTime, centred_block, lowered, require_ranges


@register
class DynamicBatchMatmul(RunTime):
    """Operands: two blocks, their ranges."""

    name = "DYNAMIC_BATCH_MATMUL"
    stands_for = "BATCH_MATMUL"
    Attrs = BatchMatmulAttrs
    Params = BatchMatmulWalk

    def infer(
        self, attrs: BatchMatmulAttrs, x: Tensor, y: Tensor, x_range: Tensor, y_range: Tensor
    ) -> tuple[tuple[int, ...], ...]:
        require_ranges(x_range, y_range)
        return (*BatchMatmul().infer(attrs, x, y), SCALE)

    def macs(self, attrs: BatchMatmulAttrs, inputs: tuple[Tensor | None, ...], outputs: tuple[Tensor, ...]) -> int:
        return BatchMatmul().macs(attrs, inputs, outputs)

    def lower(self, node: Node, graph: Graph, dialect: Dialect) -> Lowered:
        x, y, _, _ = graph.operands(node)
        z, _ = graph.results(node)
        params = BatchMatmulWalk(**walk_fields(node.attrs, x, y, z))
        bound = check_accumulator(_bound(params), 0, node.loc)
        return lowered(params, node, graph, (0, 1, 2, 3), bound)

    def simulate(
        self, p: BatchMatmulWalk, x: np.ndarray, y: np.ndarray, x_range: np.ndarray, y_range: np.ndarray
    ) -> tuple[np.ndarray, ...]:
        exact = float_type(_bound(p))
        sums = products(p, *(centred_block(*each).astype(exact) for each in ((x, x_range), (y, y_range))))
        return sums.astype(np.int32), np.broadcast_to(product(x_range, *parts(y_range)), (len(sums), 2))


def _bound(p: BatchMatmulWalk) -> int:
    return REACH * REACH * p.depth
