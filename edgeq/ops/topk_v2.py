"""TOPK_V2: the largest elements of each row, and where they stand. Operands: the data, their number (constant)."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from edgeq.fixedpoint import Dialect
from edgeq.ir import DType, Graph, Node, Tensor
from edgeq.ops import register
from edgeq.ops.base import Lowered, Op, OutputRule, QuantRule, require
from edgeq.ops.integers import of_type
from edgeq.ops.pooling import same_values


@dataclass(frozen=True)
class TopkAttrs:
    """TOPK_V2 has no attributes."""


@dataclass(frozen=True)
class TopkParams:
    """The k largest of each of `rows` rows of `size` elements. element_type: a name of the IR."""

    rows: int
    size: int
    k: int
    output_shape: tuple[int, ...]
    element_type: str


@register
class TopkV2(Op):
    """The largest first, of equals the one that stands first. Results: values and int32 places along the last axis."""

    name = "TOPK_V2"
    Attrs = TopkAttrs
    Params = TopkParams
    dtypes = (DType.INT8, DType.INT16, DType.INT32, DType.INT64)

    def infer(self, attrs: TopkAttrs, x: Tensor, k: Tensor) -> tuple[tuple[int, ...], ...]:
        require(k.data is not None and k.size == 1, "the number of elements has to be a constant")
        count = int(np.ravel(k.data)[0])
        require(len(x.shape) > 0 and 1 <= count <= x.shape[-1], f"{count} of rows of shape {list(x.shape)}")
        require(x.size > 0, f"shape {list(x.shape)} has no elements")
        shape = (*x.shape[:-1], count)
        return shape, shape

    def quant_rule(self, attrs: TopkAttrs) -> QuantRule:
        return QuantRule(OutputRule.SAME_AS_INPUT)

    def evaluate(self, attrs: TopkAttrs, x: np.ndarray, k: np.ndarray) -> tuple[np.ndarray, ...]:
        return _largest(x, int(np.ravel(k)[0]))

    def lower(self, node: Node, graph: Graph, dialect: Dialect) -> Lowered:
        x, _ = graph.operands(node)
        values, places = graph.results(node)
        same_values(x, values, node.loc)
        dtype = of_type(x, self.dtypes, node.loc)
        of_type(places, (DType.INT32,), node.loc)
        *_, size = x.shape
        params = TopkParams(math.prod(x.shape[:-1]), size, values.shape[-1], values.shape, dtype.value)
        return Lowered(params, (x.name,))

    def simulate(self, p: TopkParams, x: np.ndarray) -> tuple[np.ndarray, ...]:
        values, places = _largest(x.reshape(len(x), p.rows, p.size), p.k)
        shape = (len(x), *p.output_shape)
        return values.reshape(shape), places.reshape(shape)


def _largest(x: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Along the last axis. The stable order of reversed rows, read backwards, has the first of equals first."""
    places = x.shape[-1] - 1 - np.argsort(x[..., ::-1], axis=-1, kind="stable")[..., ::-1]
    places = places[..., :k]
    return np.take_along_axis(x, places, axis=-1), places.astype(np.int32)
