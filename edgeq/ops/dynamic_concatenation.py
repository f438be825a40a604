"""DYNAMIC_CONCATENATION, edgeq's own operator: CONCATENATION of blocks, brought to the largest of their scales."""

from __future__ import annotations

import numpy as np

from edgeq.fixedpoint import Dialect
from edgeq.ir import Graph, Node, Tensor
from edgeq.ops import register
from edgeq.ops.base import Lowered, require
from edgeq.ops.concatenation import Concatenation, ConcatenationAttrs, ConcatenationParams, join
from edgeq.ops.dynamic_pairwise import aligned, aligned_scale, largest_scale
from edgeq.ops.run_time import SCALE, RunTime, centred_block, lowered, require_ranges


@register
class DynamicConcatenation(RunTime):
    """Operands: the blocks, their ranges. Sizes are counted in elements."""

    name = "DYNAMIC_CONCATENATION"
    stands_for = "CONCATENATION"
    Attrs = ConcatenationAttrs
    Params = ConcatenationParams

    def infer(self, attrs: ConcatenationAttrs, *operands: Tensor) -> tuple[tuple[int, ...], ...]:
        require(len(operands) % 2 == 0, f"{len(operands)} operands are not blocks and as many ranges")
        half = len(operands) // 2
        require_ranges(*operands[half:])
        return (*Concatenation().infer(attrs, *operands[:half]), SCALE)

    def lower(self, node: Node, graph: Graph, dialect: Dialect) -> Lowered:
        operands = graph.operands(node)
        y, _ = graph.results(node)
        blocks = operands[: len(operands) // 2]
        params = ConcatenationParams(tuple(t.shape for t in blocks), y.shape, node.attrs.axis % len(y.shape))
        return lowered(params, node, graph, tuple(range(len(operands))))

    def simulate(self, p: ConcatenationParams, *operands: np.ndarray) -> tuple[np.ndarray, ...]:
        half = len(operands) // 2
        n = max(map(len, operands))
        ranges = [np.broadcast_to(each, (n, *each.shape[1:])) for each in operands[half:]]
        common = largest_scale(ranges)
        parts = [
            aligned(np.broadcast_to(centred_block(x, each), (n, *x.shape[1:])), each, common)
            for x, each in zip(operands[:half], ranges, strict=True)
        ]
        return join(tuple(parts), p.axis).astype(np.int32), aligned_scale(common)
