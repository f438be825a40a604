"""What REDUCE_ALL and REDUCE_ANY share."""

from __future__ import annotations

from edgeq.fixedpoint import Dialect
from edgeq.ir import DType, Graph, Node
from edgeq.ops.base import Lowered, QuantRule
from edgeq.ops.integers import of_type
from edgeq.ops.mean import reduced_axes
from edgeq.ops.reduce_extreme import ReduceAttrs, ReduceExtreme, ReduceParams


class ReduceBool(ReduceExtreme):
    """One bool of the reduced ones. Operands: the data, the axes."""

    dtypes = (DType.BOOL,)

    def quant_rule(self, attrs: ReduceAttrs) -> QuantRule:
        return QuantRule()

    def lower(self, node: Node, graph: Graph, dialect: Dialect) -> Lowered:
        x, axis = graph.operands(node)
        (y,) = graph.results(node)
        for tensor in (x, y):
            of_type(tensor, self.dtypes, node.loc)
        axes = reduced_axes(axis, len(x.shape))
        return Lowered(ReduceParams(x.shape, y.shape, axes, DType.BOOL.value), (x.name,))
