"""BATCH_TO_SPACE_ND: blocks of batches put together again. Operands: the data, the blocks, what is cut off."""

from __future__ import annotations

import math

import numpy as np

from edgeq.fixedpoint import Dialect
from edgeq.ir import Graph, Node, Tensor, frozen_array
from edgeq.ops import register
from edgeq.ops.base import Lowered, Op, OutputRule, QuantRule, require
from edgeq.ops.batch_blocks import BatchBlocksAttrs, block_offsets, check_blocks
from edgeq.ops.movement import MOVABLE
from edgeq.ops.pooling import same_values
from edgeq.ops.selection import GatherParams, gather


@register
class BatchToSpaceNd(Op):
    """Undoes SPACE_TO_BATCH_ND, then crops."""

    name = "BATCH_TO_SPACE_ND"
    Attrs = BatchBlocksAttrs
    Params = GatherParams
    dtypes = MOVABLE

    def infer(self, attrs: BatchBlocksAttrs, x: Tensor, block: Tensor, crops: Tensor) -> tuple[tuple[int, ...], ...]:
        blocks, cuts = check_blocks(x, block, crops)
        require(x.shape[0] % math.prod(blocks) == 0, f"{x.shape[0]} batches cannot be put together by {list(blocks)}")
        sizes = [d * b - sum(cut) for d, b, cut in zip(x.shape[1:], blocks, cuts, strict=False)]
        require(min(sizes, default=1) >= 1, f"nothing is left of shape {list(x.shape)}")
        return ((x.shape[0] // math.prod(blocks), *sizes, *x.shape[1 + len(blocks) :]),)

    def quant_rule(self, attrs: BatchBlocksAttrs) -> QuantRule:
        return QuantRule(OutputRule.SAME_AS_INPUT)

    def evaluate(
        self, attrs: BatchBlocksAttrs, x: np.ndarray, block: np.ndarray, crops: np.ndarray
    ) -> tuple[np.ndarray, ...]:
        n, blocks = x.shape[0], tuple(int(b) for b in np.ravel(block))
        m = len(blocks)
        batches = x.shape[1] // math.prod(blocks)
        apart = x.reshape(n, *blocks, batches, *x.shape[2:])
        order = [0, m + 1]
        for axis in range(m):
            order += [m + 2 + axis, 1 + axis]
        order += range(2 * m + 2, apart.ndim)
        together = apart.transpose(order).reshape(
            n, batches, *(d * b for d, b in zip(x.shape[2:], blocks, strict=False)), *x.shape[2 + m :]
        )
        sizes = together.shape[2 : 2 + m]
        inner = [slice(int(a), d - int(b)) for d, (a, b) in zip(sizes, crops.reshape(-1, 2), strict=True)]
        return (np.ascontiguousarray(together[(slice(None), slice(None), *inner)]),)

    def lower(self, node: Node, graph: Graph, dialect: Dialect) -> Lowered:
        x, block, crops = graph.operands(node)
        (y,) = graph.results(node)
        itemsize = same_values(x, y, node.loc).itemsize
        blocks, cuts = check_blocks(x, block, crops)
        columns = block_offsets(x.shape, blocks, cuts, y.shape[0], itemsize)
        params = GatherParams(
            output_shape=y.shape,
            dims=tuple(len(column) for column in columns),
            block=math.prod(x.shape[1 + len(blocks) :]) * itemsize,
            offsets=frozen_array(np.concatenate(columns), np.int32),
        )
        return Lowered(params, (x.name,))

    def simulate(self, p: GatherParams, x: np.ndarray) -> tuple[np.ndarray, ...]:
        return (gather(p, x),)
