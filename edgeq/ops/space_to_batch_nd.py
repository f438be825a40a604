"""SPACE_TO_BATCH_ND: neighbours dealt out to batches. Operands: the data, the blocks, the padding before it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from edgeq.errors import ModelError
from edgeq.fixedpoint import Dialect
from edgeq.ir import DType, Graph, Node, Tensor, frozen_array
from edgeq.ops import register
from edgeq.ops.base import Lowered, Op, OutputRule, QuantRule
from edgeq.ops.batch_blocks import BatchBlocksAttrs, block_offsets, check_blocks
from edgeq.ops.movement import MOVABLE
from edgeq.ops.pooling import same_values
from edgeq.ops.selection import block_places


@dataclass(frozen=True, eq=False)
class ScatterParams:
    """A walk over the first axes of the operand, with whole blocks copied to places in a filled result.

    Attributes:
        dims: places along each of the walked axes.
        block: bytes that are copied at each place.
        offsets: int32 (Σ dims,): where a block's first byte goes, the sum of one number of each axis; axis after axis.
        size: bytes of the result. value: what its bytes hold where nothing is copied to.
    """

    output_shape: tuple[int, ...]
    dims: tuple[int, ...]
    block: int
    offsets: np.ndarray
    size: int
    value: int


@register
class SpaceToBatchNd(Op):
    """Pads with zeros, then gives each place within a block a batch of its own."""

    name = "SPACE_TO_BATCH_ND"
    knows_zero = True
    Attrs = BatchBlocksAttrs
    Params = ScatterParams
    dtypes = MOVABLE

    def infer(self, attrs: BatchBlocksAttrs, x: Tensor, block: Tensor, padding: Tensor) -> tuple[tuple[int, ...], ...]:
        blocks, pads = check_blocks(x, block, padding)
        sizes = [d + sum(pad) for d, pad in zip(x.shape[1:], pads, strict=False)]
        if any(d % b for d, b in zip(sizes, blocks, strict=True)):
            raise ModelError(f"a padded shape of {sizes} cannot be divided by {list(blocks)}")
        small = [d // b for d, b in zip(sizes, blocks, strict=True)]
        return ((x.shape[0] * math.prod(blocks), *small, *x.shape[1 + len(blocks) :]),)

    def quant_rule(self, attrs: BatchBlocksAttrs) -> QuantRule:
        return QuantRule(OutputRule.SAME_AS_INPUT)

    def evaluate(
        self, attrs: BatchBlocksAttrs, x: np.ndarray, block: np.ndarray, padding: np.ndarray
    ) -> tuple[np.ndarray, ...]:
        blocks = tuple(int(b) for b in np.ravel(block))
        m = len(blocks)
        widths = [(0, 0), (0, 0), *((int(a), int(b)) for a, b in padding.reshape(-1, 2))]
        padded = np.pad(x, widths + [(0, 0)] * (x.ndim - len(widths)))
        n, batches = padded.shape[:2]
        small = [d // b for d, b in zip(padded.shape[2:], blocks, strict=False)]
        split = [size for pair in zip(small, blocks, strict=True) for size in pair]
        apart = padded.reshape(n, batches, *split, *padded.shape[2 + m :])
        order = [0, *range(3, 3 + 2 * m, 2), 1, *range(2, 2 + 2 * m, 2), *range(2 + 2 * m, apart.ndim)]
        shape = (n, batches * math.prod(blocks), *small, *padded.shape[2 + m :])
        return (np.ascontiguousarray(apart.transpose(order)).reshape(shape),)

    def lower(self, node: Node, graph: Graph, dialect: Dialect) -> Lowered:
        x, block, padding = graph.operands(node)
        (y,) = graph.results(node)
        dtype = same_values(x, y, node.loc)
        blocks, pads = check_blocks(x, block, padding)
        columns = block_offsets(y.shape, blocks, pads, x.shape[0], dtype.itemsize)
        params = ScatterParams(
            output_shape=y.shape,
            dims=tuple(len(column) for column in columns),
            block=math.prod(x.shape[1 + len(blocks) :]) * dtype.itemsize,
            offsets=frozen_array(np.concatenate(columns), np.int32),
            size=y.size * dtype.itemsize,
            # zero points of wider types are 0
            value=x.quant.per_tensor[1] if dtype is DType.INT8 and x.quant is not None else 0,
        )
        return Lowered(params, (x.name,))

    def simulate(self, p: ScatterParams, x: np.ndarray) -> tuple[np.ndarray, ...]:
        y = np.full((x.shape[0], p.size), p.value, np.int8)
        y[:, block_places(p)] = np.ascontiguousarray(x).reshape(x.shape[0], -1).view(np.int8)
        return (y.view(x.dtype).reshape((x.shape[0], *p.output_shape)),)
