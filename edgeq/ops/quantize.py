"""QUANTIZE: another scale and zero point for the same numbers."""

from __future__ import annotations

import numpy as np

from edgeq.errors import QuantizationError
from edgeq.fixedpoint import Dialect
from edgeq.ir import DType, Graph, Node, Tensor
from edgeq.ops import register
from edgeq.ops.base import Lowered
from edgeq.ops.lookup import Lookup, LookupAttrs, requantized


@register
class Quantize(Lookup):
    """From int8 a requantization. From float32 it stands at the edge of a graph, where a pass removes it."""

    name = "QUANTIZE"

    def evaluate(self, attrs: LookupAttrs, x: np.ndarray) -> tuple[np.ndarray, ...]:
        return (x,)

    def lower(self, node: Node, graph: Graph, dialect: Dialect) -> Lowered:
        (x,) = graph.operands(node)
        if x.dtype is DType.FLOAT32:
            raise QuantizationError(
                f"{x.name!r} is float32 inside the graph: the firmware computes in integers",
                where=node.loc,
                hint="convert the model to full-integer int8, so that QUANTIZE stands at its inputs only",
            )
        return super().lower(node, graph, dialect)

    def table(self, attrs: LookupAttrs, x: Tensor, y: Tensor, where: str) -> np.ndarray:
        # a quotient of doubles, as TFLite's quantize.cc computes it
        return requantized(x, y, x.quant.per_tensor[0] / y.quant.per_tensor[0])
