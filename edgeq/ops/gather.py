"""GATHER: the elements of an axis that indices name. Operands: the data, the indices."""

from dataclasses import dataclass

import numpy as np

from edgeq.fixedpoint import Dialect
from edgeq.ir import Graph, Node, Tensor
from edgeq.ops import register
from edgeq.ops.base import Lowered, require
from edgeq.ops.indexed import IndexedParams, lower_indexed, rows_of, simulate_indexed
from edgeq.ops.selection import GatherParams, Places, Selection


@dataclass(frozen=True)
class GatherAttrs:
    axis: int = 0
    batch_dims: int = 0


@register
class Gather(Selection):
    """Of indices that are computed at run time, one outside the axis is the nearest one inside; TFLite fails there."""

    name = "GATHER"
    Attrs = GatherAttrs
    Params = (GatherParams, IndexedParams)

    def infer(self, attrs: GatherAttrs, x: Tensor, indices: Tensor) -> tuple[tuple[int, ...], ...]:
        if indices.is_constant:
            return super().infer(attrs, x, indices)
        axis = _axis(attrs, x.shape)
        require(x.size > 0, f"shape {list(x.shape)} has no elements")
        return ((*x.shape[:axis], *indices.shape, *x.shape[axis + 1 :]),)

    def places(self, attrs: GatherAttrs, shape: tuple[int, ...], indices: np.ndarray) -> tuple[Places, tuple[int, ...]]:
        axis = _axis(attrs, shape)
        flat = indices.reshape(-1).astype(np.int64)
        low, high = int(flat.min(initial=0)), int(flat.max(initial=0))
        require(low >= 0 and high < shape[axis], f"indices {low} to {high} leave an axis of {shape[axis]}")
        places: Places = [None] * len(shape)
        places[axis] = flat
        return places, (*shape[:axis], *indices.shape, *shape[axis + 1 :])

    def evaluate(self, attrs: GatherAttrs, x: np.ndarray, indices: np.ndarray) -> tuple[np.ndarray, ...]:
        return (rows_of(x, indices, _axis(attrs, x.shape[1:])),)

    def lower(self, node: Node, graph: Graph, dialect: Dialect) -> Lowered:
        x, indices = graph.operands(node)
        if indices.is_constant:
            return super().lower(node, graph, dialect)
        return lower_indexed(x, indices, graph.results(node)[0], _axis(node.attrs, x.shape), node.loc)

    def simulate(self, p: GatherParams | IndexedParams, *operands: np.ndarray) -> tuple[np.ndarray, ...]:
        if isinstance(p, IndexedParams):
            return (simulate_indexed(p, *operands),)
        return super().simulate(p, *operands)


def _axis(attrs: GatherAttrs, shape: tuple[int, ...]) -> int:
    require(attrs.batch_dims == 0, "a gather with batch dimensions cannot be computed")
    require(-len(shape) <= attrs.axis < len(shape), f"axis {attrs.axis} does not exist in {list(shape)}")
    return attrs.axis % len(shape)
