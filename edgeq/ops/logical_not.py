"""LOGICAL_NOT."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgeq.fixedpoint import Dialect
from edgeq.ir import DType, Graph, Node, Tensor
from edgeq.ops import register
from edgeq.ops.base import Lowered, Op
from edgeq.ops.integers import of_type


@dataclass(frozen=True)
class LogicalNotAttrs:
    """LOGICAL_NOT has no attributes."""


@dataclass(frozen=True)
class LogicalNotParams:
    """size: elements of the tensor."""

    size: int


@register
class LogicalNot(Op):
    name = "LOGICAL_NOT"
    Attrs = LogicalNotAttrs
    Params = LogicalNotParams
    dtypes = (DType.BOOL,)

    def infer(self, attrs: LogicalNotAttrs, x: Tensor) -> tuple[tuple[int, ...], ...]:
        return (x.shape,)

    def evaluate(self, attrs: LogicalNotAttrs, x: np.ndarray) -> tuple[np.ndarray, ...]:
        return (np.logical_not(x),)

    def lower(self, node: Node, graph: Graph, dialect: Dialect) -> Lowered:
        (x,), (y,) = graph.operands(node), graph.results(node)
        for tensor in (x, y):
            of_type(tensor, self.dtypes, node.loc)
        return Lowered(LogicalNotParams(x.size), (x.name,))

    def simulate(self, p: LogicalNotParams, x: np.ndarray) -> tuple[np.ndarray, ...]:
        return (np.logical_not(x),)
