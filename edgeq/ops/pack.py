"""PACK: tensors of one shape stacked along a new axis."""

from dataclasses import dataclass

import numpy as np

from edgeq.fixedpoint import Dialect
from edgeq.ir import Graph, Node, Tensor
from edgeq.ops import register
from edgeq.ops.base import Lowered, Op, OutputRule, QuantRule, require
from edgeq.ops.concatenation import ConcatenationParams, join
from edgeq.ops.movement import MOVABLE
from edgeq.ops.pooling import same_values


@dataclass(frozen=True)
class PackAttrs:
    """values_count: number of operands. axis: the new one, may count from the end."""

    values_count: int = 1
    axis: int = 0


@register
class Pack(Op):
    """A concatenation of operands that have one more axis, of size 1."""

    name = "PACK"
    Attrs = PackAttrs
    Params = ConcatenationParams
    dtypes = MOVABLE

    def infer(self, attrs: PackAttrs, *operands: Tensor) -> tuple[tuple[int, ...], ...]:
        shape = operands[0].shape
        rank = len(shape) + 1
        require(len(operands) == attrs.values_count, f"has {len(operands)} operands, states {attrs.values_count}")
        require(all(t.shape == shape for t in operands), "operands differ in shape")
        require(-rank <= attrs.axis < rank, f"axis {attrs.axis} does not exist in {rank} dimensions")
        axis = attrs.axis % rank
        return ((*shape[:axis], len(operands), *shape[axis:]),)

    def quant_rule(self, attrs: PackAttrs) -> QuantRule:
        return QuantRule(OutputRule.SAME_AS_INPUT)

    def evaluate(self, attrs: PackAttrs, *operands: np.ndarray) -> tuple[np.ndarray, ...]:
        axis = attrs.axis % operands[0].ndim
        return (join(tuple(np.expand_dims(a, axis + 1) for a in operands), axis),)

    def lower(self, node: Node, graph: Graph, dialect: Dialect) -> Lowered:
        operands = graph.operands(node)
        (y,) = graph.results(node)
        for t in operands:
            dtype = same_values(t, y, node.loc)
        axis = node.attrs.axis % len(y.shape)
        one = (*y.shape[:axis], 1, *y.shape[axis + 1 :])
        params = ConcatenationParams((one,) * len(operands), y.shape, axis, dtype.itemsize)
        return Lowered(params, tuple(t.name for t in operands))

    def simulate(self, p: ConcatenationParams, *operands: np.ndarray) -> tuple[np.ndarray, ...]:
        shaped = (a.reshape((a.shape[0], *shape)) for a, shape in zip(operands, p.input_shapes, strict=True))
        return (join(tuple(shaped), p.axis),)
