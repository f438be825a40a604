"""RESHAPE: the same elements under another shape."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgeq.fixedpoint import Dialect
from edgeq.ir import Graph, Node, Tensor
from edgeq.ops import register
from edgeq.ops.base import Lowered, Op, OutputRule, QuantRule, require
from edgeq.ops.movement import MOVABLE
from edgeq.ops.pooling import same_values


@dataclass(frozen=True)
class ReshapeAttrs:
    """new_shape: used where the node has no shape operand; one dimension may be −1."""

    new_shape: tuple[int, ...] = ()


@dataclass(frozen=True)
class ReshapeParams:
    output_shape: tuple[int, ...]


@register
class Reshape(Op):
    """Costs nothing: in a program the result is another name for its input's memory.

    Operands: the data, and optionally the new shape (a constant int32 vector).
    """

    name = "RESHAPE"
    Attrs = ReshapeAttrs
    Params = ReshapeParams
    dtypes = MOVABLE
    alias = True

    def infer(self, attrs: ReshapeAttrs, x: Tensor, shape: Tensor | None = None) -> tuple[tuple[int, ...], ...]:
        require(shape is None or shape.data is not None, "the new shape is computed at run time; a constant is needed")
        wanted = attrs.new_shape if shape is None else tuple(int(d) for d in np.ravel(shape.data))
        known = int(np.prod([d for d in wanted if d != -1], dtype=np.int64))
        if -1 in wanted:
            require(
                wanted.count(-1) == 1 and known > 0 and x.size % known == 0,
                f"{x.size} elements do not fit shape {list(wanted)}",
            )
            wanted = tuple(x.size // known if d == -1 else d for d in wanted)
        else:
            require(known == x.size, f"{x.size} elements do not fit shape {list(wanted)}")
        require(min(wanted, default=0) >= 0, f"shape {list(wanted)} has a negative dimension")
        return (wanted,)

    def quant_rule(self, attrs: ReshapeAttrs) -> QuantRule:
        return QuantRule(OutputRule.SAME_AS_INPUT)

    def evaluate(self, attrs: ReshapeAttrs, x: np.ndarray, shape: np.ndarray | None = None) -> tuple[np.ndarray, ...]:
        wanted = attrs.new_shape if shape is None else tuple(int(d) for d in np.ravel(shape))
        return (x.reshape((x.shape[0],) + wanted),)

    def lower(self, node: Node, graph: Graph, dialect: Dialect) -> Lowered:
        x = graph.operands(node)[0]
        (y,) = graph.results(node)
        same_values(x, y, node.loc)
        return Lowered(ReshapeParams(y.shape), (x.name,))

    def simulate(self, p: ReshapeParams, x: np.ndarray) -> tuple[np.ndarray, ...]:
        return (x.reshape((x.shape[0],) + p.output_shape),)
