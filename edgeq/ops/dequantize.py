"""DEQUANTIZE: from integers to float32, at an output of a graph."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgeq.errors import QuantizationError
from edgeq.fixedpoint import Dialect
from edgeq.ir import DType, Graph, Node, Tensor
from edgeq.ops import register
from edgeq.ops.base import Lowered, Op
from edgeq.ops.real_edges import ToRealParams, dequantized, to_real


@dataclass(frozen=True)
class DequantizeAttrs:
    """DEQUANTIZE has no attributes."""


@register
class Dequantize(Op):
    """At an output; elsewhere there is nothing that integers could do with its result."""

    name = "DEQUANTIZE"
    Attrs = DequantizeAttrs
    Params = ToRealParams
    dtypes = (DType.INT8, DType.INT16)

    def infer(self, attrs: DequantizeAttrs, x: Tensor) -> tuple[tuple[int, ...], ...]:
        return (x.shape,)

    def evaluate(self, attrs: DequantizeAttrs, x: np.ndarray) -> tuple[np.ndarray, ...]:
        return (x,)

    def lower(self, node: Node, graph: Graph, dialect: Dialect) -> Lowered:
        (x,), (y,) = graph.operands(node), graph.results(node)
        if y.dtype is not DType.FLOAT32 or y.name not in graph.outputs:
            raise QuantizationError(
                f"{x.name!r} is turned into float32 inside the graph: the firmware computes in integers",
                where=node.loc,
                hint="convert the model to full-integer int8, so that DEQUANTIZE stands at its outputs only",
            )
        return Lowered(to_real(x, node.loc), (x.name,))

    def simulate(self, p: ToRealParams, x: np.ndarray) -> tuple[np.ndarray, ...]:
        return (dequantized(p, x),)
