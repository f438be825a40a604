"""CONCATENATION along one axis."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from edgeq.errors import QuantizationError
from edgeq.fixedpoint import Dialect
from edgeq.ir import Graph, Node, Tensor
from edgeq.ops import register
from edgeq.ops.base import Activation, Lowered, Op, OutputRule, QuantRule, require
from edgeq.ops.movement import MOVABLE
from edgeq.ops.pooling import same_values


@dataclass(frozen=True)
class ConcatenationAttrs:
    """axis may count from the end."""

    axis: int = 0
    activation: Activation = Activation.NONE


@dataclass(frozen=True)
class ConcatenationParams:
    """input_shapes: one for each operand. axis: not negative. itemsize: bytes of an element."""

    input_shapes: tuple[tuple[int, ...], ...]
    output_shape: tuple[int, ...]
    axis: int
    itemsize: int = 1

    @property
    def rows(self) -> int:
        """Blocks that are contiguous in every operand and in the result."""
        return math.prod(self.output_shape[: self.axis])

    @property
    def row_sizes(self) -> tuple[int, ...]:
        """Bytes of a block of each operand."""
        return tuple(math.prod(shape[self.axis :]) * self.itemsize for shape in self.input_shapes)

    @property
    def row_offsets(self) -> tuple[int, ...]:
        """Where each operand's block begins in a block of the result."""
        return tuple(sum(self.row_sizes[:i]) for i in range(len(self.input_shapes)))

    @property
    def output_row_size(self) -> int:
        """Bytes of a block of the result."""
        return math.prod(self.output_shape[self.axis :]) * self.itemsize


@register
class Concatenation(Op):
    """All operands and the result share scale and zero point: nothing but copying."""

    name = "CONCATENATION"
    Attrs = ConcatenationAttrs
    Params = ConcatenationParams
    dtypes = MOVABLE

    def infer(self, attrs: ConcatenationAttrs, *operands: Tensor) -> tuple[tuple[int, ...], ...]:
        require(len(operands) > 0, "needs at least one operand")
        first = operands[0].shape
        require(-len(first) <= attrs.axis < len(first), f"axis {attrs.axis} does not exist in shape {list(first)}")
        axis = attrs.axis % len(first)
        others = first[:axis] + first[axis + 1 :]
        for t in operands:
            require(
                len(t.shape) == len(first) and t.shape[:axis] + t.shape[axis + 1 :] == others,
                f"shapes {list(first)} and {list(t.shape)} do not join along axis {axis}",
            )
        return (first[:axis] + (sum(t.shape[axis] for t in operands),) + first[axis + 1 :],)

    def quant_rule(self, attrs: ConcatenationAttrs) -> QuantRule:
        return QuantRule(OutputRule.SAME_AS_INPUT)

    def evaluate(self, attrs: ConcatenationAttrs, *operands: np.ndarray) -> tuple[np.ndarray, ...]:
        y = join(operands, attrs.axis % (operands[0].ndim - 1))
        # plain integers are joined too, and float32 would not hold all of them
        return (y if attrs.activation is Activation.NONE else np.clip(y, *attrs.activation.bounds).astype(np.float32),)

    def lower(self, node: Node, graph: Graph, dialect: Dialect) -> Lowered:
        attrs: ConcatenationAttrs = node.attrs
        operands = graph.operands(node)
        (y,) = graph.results(node)
        if attrs.activation is not Activation.NONE:
            raise QuantizationError("a concatenation of integers cannot have a fused activation", where=node.loc)
        for t in operands:
            dtype = same_values(t, y, node.loc)
        shapes = tuple(t.shape for t in operands)
        params = ConcatenationParams(shapes, y.shape, attrs.axis % len(y.shape), dtype.itemsize)
        return Lowered(params, tuple(t.name for t in operands))

    def simulate(self, p: ConcatenationParams, *operands: np.ndarray) -> tuple[np.ndarray, ...]:
        return (join(operands, p.axis),)


def join(operands: tuple[np.ndarray, ...], axis: int) -> np.ndarray:
    """Operands (n or 1, *shape), a constant repeated for every vector."""
    n = max(a.shape[0] for a in operands)
    return np.concatenate([np.broadcast_to(a, (n,) + a.shape[1:]) for a in operands], axis=axis + 1)
