"""DYNAMIC_MEAN, edgeq's own operator: MEAN of a block, as exact sums at 1 / (number of elements) of its scale."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from edgeq.fixedpoint import Dialect
from edgeq.fixedpoint_scales import product, scale_of
from edgeq.ir import Graph, Node, Tensor
from edgeq.ops import register
from edgeq.ops.base import Lowered, check_accumulator
from edgeq.ops.mean import Mean, MeanAttrs, Reduction, reduced_axes
from edgeq.ops.run_time import REACH, SCALE, RunTime, centred_block, lowered, require_ranges


@dataclass(frozen=True)
class DynamicMeanParams(Reduction):
    """count: number of elements of a sum. unit_mantissa, unit_exponent: what the block's scale is multiplied by."""

    count: int
    unit_mantissa: int
    unit_exponent: int


@register
class DynamicMean(RunTime):
    """Operands: a block, the axes (constant), the block's range."""

    name = "DYNAMIC_MEAN"
    stands_for = "MEAN"
    Attrs = MeanAttrs
    Params = DynamicMeanParams
    #: whether sums are divided by the number of their elements
    divides = True

    def infer(self, attrs: MeanAttrs, x: Tensor, axis: Tensor, found: Tensor) -> tuple[tuple[int, ...], ...]:
        require_ranges(found)
        return (*Mean().infer(attrs, x, axis), SCALE)

    def lower(self, node: Node, graph: Graph, dialect: Dialect) -> Lowered:
        x, axis, _ = graph.operands(node)
        y, _ = graph.results(node)
        axes = reduced_axes(axis, len(x.shape))
        count = math.prod(x.shape[a] for a in axes)
        bound = check_accumulator(REACH * count, 0, node.loc)
        params = DynamicMeanParams(x.shape, y.shape, axes, count, *scale_of(1.0 / count if self.divides else 1.0))
        return lowered(params, node, graph, (0, 2), bound)

    def simulate(self, p: DynamicMeanParams, x: np.ndarray, found: np.ndarray) -> tuple[np.ndarray, ...]:
        total = centred_block(x, found).sum(axis=tuple(a + 1 for a in p.axes))
        total = total.astype(np.int32).reshape(x.shape[:1] + p.output_shape)
        return total, product(found, p.unit_mantissa, p.unit_exponent)
