"""CAUSAL_SOFTMAX, edgeq's own operator: SOFTMAX of attention scores where no step sees those after it.

A mask is usually added to the scores as a number far below them, which would take most of an eight-bit range. Here what
is masked does not take part.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import numpy as np

from edgeq.fixedpoint import Dialect
from edgeq.ir import DType, Graph, Node, Tensor
from edgeq.ops import register
from edgeq.ops.base import Lowered, require
from edgeq.ops.softmax import OUTPUT, Softmax, SoftmaxAttrs, SoftmaxParams
from edgeq.ops.softmax16 import Softmax16Params


@dataclass(frozen=True)
class CausalSoftmaxParams(SoftmaxParams):
    """steps: rows of one matrix of scores; `rows` counts those of all."""

    steps: int = 1


@dataclass(frozen=True)
class CausalSoftmax16Params(Softmax16Params):
    """steps: as above."""

    steps: int = 1


@register
class CausalSoftmax(Softmax):
    """Row i of the last two axes is the softmax of its first i + 1 elements, and 0 behind them."""

    name = "CAUSAL_SOFTMAX"
    Params = (CausalSoftmaxParams, CausalSoftmax16Params)
    own = True

    def infer(self, attrs: SoftmaxAttrs, x: Tensor) -> tuple[tuple[int, ...], ...]:
        require(len(x.shape) >= 2, "needs at least two axes")
        return (x.shape,)

    def evaluate(self, attrs: SoftmaxAttrs, x: np.ndarray) -> tuple[np.ndarray, ...]:
        seen = np.tri(*x.shape[-2:], dtype=bool)
        return super().evaluate(attrs, np.where(seen, x, -np.inf))

    def lower(self, node: Node, graph: Graph, dialect: Dialect) -> Lowered:
        lowered = super().lower(node, graph, dialect)
        whole = {f.name: getattr(lowered.params, f.name) for f in fields(lowered.params)}
        steps = graph.results(node)[0].shape[-2]
        kind = CausalSoftmax16Params if isinstance(lowered.params, Softmax16Params) else CausalSoftmaxParams
        return replace(lowered, params=kind(**whole, steps=steps))

    def simulate(self, p: CausalSoftmaxParams | CausalSoftmax16Params, x: np.ndarray) -> tuple[np.ndarray, ...]:
        y = np.full(x.shape, OUTPUT[DType(x.dtype.name)][1], x.dtype)
        for step in range(p.steps):
            size = min(step + 1, p.row_size)
            seen = np.ascontiguousarray(x[..., step, :size])
            (y[..., step, :size],) = super().simulate(replace(p, rows=seen.size // size, row_size=size), seen)
        return (y,)
