"""GATHER_ND: blocks of a tensor at places that are told by an index for each of its first axes."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from edgeq.fixedpoint import Dialect
from edgeq.ir import Graph, Node, Tensor
from edgeq.ops import register
from edgeq.ops.base import Lowered, Op, OutputRule, QuantRule, require
from edgeq.ops.indexed import index_type_of
from edgeq.ops.movement import MOVABLE
from edgeq.ops.pooling import same_values


@dataclass(frozen=True)
class GatherNdAttrs:
    """GATHER_ND has no attributes."""


@dataclass(frozen=True)
class GatherNdParams:
    """dims: sizes of the axes that a place has an index for. block: bytes at a place. count: of places.
    index_type: a name of the IR."""

    output_shape: tuple[int, ...]
    dims: tuple[int, ...]
    block: int
    count: int
    index_type: str


@register
class GatherNd(Op):
    """Operands: the data, and indices (…, k) into its first k axes. An index that an axis does not have is the nearest
    one that it has; TFLite fails there, and so do constant ones here."""

    name = "GATHER_ND"
    Attrs = GatherNdAttrs
    Params = GatherNdParams
    dtypes = MOVABLE

    def infer(self, attrs: GatherNdAttrs, x: Tensor, indices: Tensor) -> tuple[tuple[int, ...], ...]:
        require(len(indices.shape) >= 1, "the indices need an axis")
        depth = indices.shape[-1]
        require(1 <= depth <= len(x.shape), f"places of {depth} indices do not fit {list(x.shape)}")
        require(x.size > 0, f"shape {list(x.shape)} has no elements")
        if indices.data is not None and indices.size:
            inside = (indices.data >= 0) & (indices.data < np.array(x.shape[:depth]))
            require(bool(inside.all()), f"some indices leave the axes {list(x.shape[:depth])}")
        return ((*indices.shape[:-1], *x.shape[depth:]),)

    def quant_rule(self, attrs: GatherNdAttrs) -> QuantRule:
        return QuantRule(OutputRule.SAME_AS_INPUT)

    def evaluate(self, attrs: GatherNdAttrs, x: np.ndarray, indices: np.ndarray) -> tuple[np.ndarray, ...]:
        depth = indices.shape[-1]
        return (_blocks(x, indices.reshape(len(indices), -1, depth), x.shape[1 : depth + 1], indices.shape[1:-1]),)

    def lower(self, node: Node, graph: Graph, dialect: Dialect) -> Lowered:
        x, indices = graph.operands(node)
        (y,) = graph.results(node)
        index_type = index_type_of(indices, node.loc)
        itemsize = same_values(x, y, node.loc).itemsize
        depth = indices.shape[-1]
        params = GatherNdParams(
            output_shape=y.shape,
            dims=x.shape[:depth],
            block=math.prod(x.shape[depth:]) * itemsize,
            count=indices.size // depth,
            index_type=index_type,
        )
        return Lowered(params, (x.name, indices.name))

    def simulate(self, p: GatherNdParams, x: np.ndarray, indices: np.ndarray) -> tuple[np.ndarray, ...]:
        whole = np.ascontiguousarray(x).reshape(len(x), *p.dims, -1)
        y = _blocks(whole, indices.reshape(len(indices), -1, len(p.dims)), p.dims, (p.count,))
        return (y.reshape((len(y), *p.output_shape)),)


def _blocks(x: np.ndarray, places: np.ndarray, dims: tuple[int, ...], lead: tuple[int, ...]) -> np.ndarray:
    """The blocks of x (n or 1, *dims, …) at places (n or 1, count, k), as (n, *lead, …)."""
    count = max(len(x), len(places))
    inside = np.clip(places.astype(np.int64), 0, np.array(dims) - 1)
    picked = [x[n % len(x)][tuple(np.moveaxis(inside[n % len(places)], -1, 0))] for n in range(count)]
    return np.stack(picked).reshape((count, *lead, *x.shape[1 + len(dims) :]))
