"""DEQUANTIZE: from integers to float32, at the edge of a graph."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgeq.errors import QuantizationError
from edgeq.fixedpoint import Dialect
from edgeq.ir import Graph, Node, Tensor
from edgeq.ops import register
from edgeq.ops.base import Lowered, Op


@dataclass(frozen=True)
class DequantizeAttrs:
    """DEQUANTIZE has no attributes."""


@dataclass(frozen=True)
class DequantizeParams:
    """Never made: no program holds a DEQUANTIZE."""


@register
class Dequantize(Op):
    """A pass removes it from the ends of a graph; elsewhere there is nothing that integers could do for it."""

    name = "DEQUANTIZE"
    Attrs = DequantizeAttrs
    Params = DequantizeParams

    def infer(self, attrs: DequantizeAttrs, x: Tensor) -> tuple[tuple[int, ...], ...]:
        return (x.shape,)

    def evaluate(self, attrs: DequantizeAttrs, x: np.ndarray) -> tuple[np.ndarray, ...]:
        return (x,)

    def lower(self, node: Node, graph: Graph, dialect: Dialect) -> Lowered:
        raise QuantizationError(
            f"{node.inputs[0]!r} is turned into float32 inside the graph: the firmware computes in integers",
            where=node.loc,
            hint="convert the model to full-integer int8, so that DEQUANTIZE stands at its outputs only",
        )
