"""ONE_HOT: along a new axis, one value where an index points and another everywhere else.

Operands: the indices, the new axis's size, both values (constants but the indices).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from edgeq.fixedpoint import Dialect
from edgeq.ir import Graph, Node, Tensor, frozen_array
from edgeq.ops import register
from edgeq.ops.base import Lowered, Op, OutputRule, QuantRule, require
from edgeq.ops.indexed import index_type_of
from edgeq.ops.integers import of_type
from edgeq.ops.movement import MOVABLE


@dataclass(frozen=True)
class OneHotAttrs:
    """axis: where the new axis stands in the result, −1 last."""

    axis: int = -1


@dataclass(frozen=True, eq=False)
class OneHotParams:
    """Indices (outer, inner) become (outer, depth, inner) of the two values: the one of places that no index names, and
    that of the others. Types are names of the IR."""

    outer: int
    depth: int
    inner: int
    index_type: str
    element_type: str
    output_shape: tuple[int, ...]
    values: np.ndarray


@register
class OneHot(Op):
    """An index that the new axis does not have points nowhere."""

    name = "ONE_HOT"
    Attrs = OneHotAttrs
    Params = OneHotParams
    dtypes = MOVABLE

    def infer(
        self, attrs: OneHotAttrs, indices: Tensor, depth: Tensor, on: Tensor, off: Tensor
    ) -> tuple[tuple[int, ...], ...]:
        for what, tensor in (("the new axis's size", depth), ("a value", on), ("a value", off)):
            require(tensor.data is not None and tensor.size == 1, f"{what} has to be a constant number")
        rank, size = len(indices.shape), int(np.ravel(depth.data)[0])
        require(-1 <= attrs.axis <= rank, f"no axis {attrs.axis} in a result of rank {rank + 1}")
        require(size > 0 and indices.size > 0, f"{size} places for indices of shape {list(indices.shape)}")
        at = _place(attrs, rank)
        return ((*indices.shape[:at], size, *indices.shape[at:]),)

    def quant_rule(self, attrs: OneHotAttrs) -> QuantRule:
        return QuantRule(OutputRule.SAME_AS_INPUT, input=2)

    def evaluate(
        self, attrs: OneHotAttrs, indices: np.ndarray, depth: np.ndarray, on: np.ndarray, off: np.ndarray
    ) -> tuple[np.ndarray, ...]:
        at = _place(attrs, indices.ndim - 1) + 1
        return (_spread(indices, at, int(np.ravel(depth)[0]), np.ravel(on)[0], np.ravel(off)[0]),)

    def lower(self, node: Node, graph: Graph, dialect: Dialect) -> Lowered:
        indices, _, on, off = graph.operands(node)
        (y,) = graph.results(node)
        index_type = index_type_of(indices, node.loc)
        # what converters write here may differ from the result in scale and zero point: TFLite copies integers
        of_type(on, (of_type(y, self.dtypes, node.loc),), node.loc)
        of_type(off, (y.dtype,), node.loc)
        at = _place(node.attrs, len(indices.shape))
        params = OneHotParams(
            outer=math.prod(indices.shape[:at]),
            depth=y.shape[at],
            inner=math.prod(indices.shape[at:]),
            index_type=index_type,
            element_type=y.dtype.value,
            output_shape=y.shape,
            values=frozen_array(np.concatenate([np.ravel(off.data), np.ravel(on.data)])),
        )
        return Lowered(params, (indices.name,))

    def simulate(self, p: OneHotParams, indices: np.ndarray) -> tuple[np.ndarray, ...]:
        off, on = p.values
        y = _spread(indices.reshape(len(indices), p.outer, p.inner), 2, p.depth, on, off)
        return (y.reshape((len(y), *p.output_shape)),)


def _place(attrs: OneHotAttrs, rank: int) -> int:
    """Of the new axis, for indices of that rank."""
    return rank if attrs.axis == -1 else attrs.axis


def _spread(indices: np.ndarray, axis: int, depth: int, on: np.generic, off: np.generic) -> np.ndarray:
    places = np.arange(depth).reshape(depth, *[1] * (indices.ndim - axis))
    return np.where(np.expand_dims(indices, axis) == places, on, off)
