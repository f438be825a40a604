"""Sums of products and the block that is made of them, in one operator: the sums are never in memory together.

The result is that of the operator for the sums (`edgeq.ops.dynamic_weighted`) and of DYNAMIC_QUANTIZE one after the
other, to the bit; `edgeq.passes.fuse_ranges` puts it in their place.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, ClassVar

import numpy as np

from edgeq.fixedpoint import Dialect
from edgeq.ir import DType, Graph, Node, Tensor
from edgeq.ops.base import Activation, Lowered, Op
from edgeq.ops.dynamic_quantize import DynamicQuantize, DynamicQuantizeAttrs, DynamicQuantizeParams
from edgeq.ops.dynamic_weighted import DynamicWeighted, DynamicWeightedParams
from edgeq.ops.run_time import RANGE, SCALE, RunTime


@dataclass(frozen=True)
class RangedAttrs:
    """sums: of the operator for the sums. activation, symmetric: of DYNAMIC_QUANTIZE."""

    sums: Any
    activation: Activation = Activation.NONE
    symmetric: bool = False


@dataclass(frozen=True, eq=False)
class RangedParams(DynamicWeightedParams, DynamicQuantizeParams):
    """Those of both operators."""


class DynamicRanged(RunTime):
    """Base of these. Operands: a block, weights, a bias or none, the block's range. Results: a block, its range.

    Attributes:
        weighted: the operator for the sums.
    """

    Attrs = RangedAttrs
    Params = RangedParams
    weighted: ClassVar[DynamicWeighted]

    def infer(
        self, attrs: RangedAttrs, x: Tensor, w: Tensor, b: Tensor | None, found: Tensor
    ) -> tuple[tuple[int, ...], ...]:
        shape, _ = self.weighted.infer(attrs.sums, x, w, b, found)
        return shape, RANGE

    def macs(self, attrs: RangedAttrs, inputs: tuple[Tensor | None, ...], outputs: tuple[Tensor, ...]) -> int:
        return self.weighted.macs(attrs.sums, inputs, outputs)

    def lower(self, node: Node, graph: Graph, dialect: Dialect) -> Lowered:
        y, found = graph.results(node)
        sums = Tensor(f"{y.name}/sums", y.shape, DType.INT32)
        scale = Tensor(f"{y.name}/sums/scale", SCALE, DType.INT32)
        attrs: RangedAttrs = node.attrs
        first = Node(self.weighted.name, node.inputs, (sums.name, scale.name), attrs.sums, node.loc)
        second = Node(
            DynamicQuantize.name,
            first.outputs,
            (y.name, found.name),
            DynamicQuantizeAttrs(attrs.activation, attrs.symmetric),
            node.loc,
        )
        whole = graph.rewrite([first, second], [sums, scale])
        lowered = self.weighted.lower(first, whole, dialect)
        of_block = DynamicQuantize().lower(second, whole, dialect)
        both = {f.name: getattr(p, f.name) for p in (lowered.params, of_block.params) for f in fields(p)}
        return Lowered(RangedParams(**both), lowered.inputs, lowered.accumulator_bound)

    def simulate(self, p: RangedParams, x: np.ndarray, found: np.ndarray) -> tuple[np.ndarray, ...]:
        return DynamicQuantize().simulate(p, *self.weighted.simulate(p, x, found))


def ranged(op: str) -> Op | None:
    """The operator of this kind for sums of that one."""
    from edgeq.ops import find_op, known_ops

    for each in map(find_op, known_ops()):
        if isinstance(each, DynamicRanged) and each.weighted.name == op:
            return each
    return None
