"""CAST: integers of one type as integers of another; a bool is 0 or 1, and whether a number is not 0."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgeq.fixedpoint import Dialect
from edgeq.ir import DType, Graph, Node, Tensor
from edgeq.ops import register
from edgeq.ops.base import Lowered, Op
from edgeq.ops.integers import INTEGERS, of_type


@dataclass(frozen=True)
class CastAttrs:
    """The types are those of operand and result."""


@dataclass(frozen=True)
class CastParams:
    """input_type, output_type: names of the IR."""

    size: int
    input_type: str
    output_type: str


@register
class Cast(Op):
    """The integers themselves, whatever their scale, as TFLite does. What does not fit loses its highest bits."""

    name = "CAST"
    Attrs = CastAttrs
    Params = CastParams
    dtypes = INTEGERS

    def infer(self, attrs: CastAttrs, x: Tensor) -> tuple[tuple[int, ...], ...]:
        return (x.shape,)

    def evaluate(self, attrs: CastAttrs, x: np.ndarray) -> tuple[np.ndarray, ...]:
        return (x,)

    def lower(self, node: Node, graph: Graph, dialect: Dialect) -> Lowered:
        (x,), (y,) = graph.operands(node), graph.results(node)
        types = [of_type(tensor, self.dtypes, node.loc).value for tensor in (x, y)]
        return Lowered(CastParams(x.size, *types), (x.name,))

    def simulate(self, p: CastParams, x: np.ndarray) -> tuple[np.ndarray, ...]:
        return (x.astype(DType(p.output_type).numpy),)
