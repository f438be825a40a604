"""What MINIMUM and MAXIMUM share."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from edgeq.fixedpoint import Dialect
from edgeq.ir import DType, Graph, Node
from edgeq.ops.base import Lowered, OutputRule, QuantRule, activation_type
from edgeq.ops.broadcast import align
from edgeq.ops.pairwise import Pairwise, PairwiseAttrs, PairwiseParams, runtime_operands
from edgeq.ops.pooling import same_quantization


class Extreme(Pairwise):
    """One of two integers: operands and result share scale and zero point.

    Attributes:
        choose: NumPy's function.
    """

    Params = PairwiseParams
    dtypes = (DType.INT8, DType.INT16)
    choose: ClassVar[Any]

    def quant_rule(self, attrs: PairwiseAttrs) -> QuantRule:
        return QuantRule(OutputRule.SAME_AS_INPUT)

    def of_reals(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return type(self).choose(a, b)

    def lower(self, node: Node, graph: Graph, dialect: Dialect) -> Lowered:
        a, b, y = runtime_operands(node, graph)
        dtype = activation_type(self, node.loc, a, b, y)
        same_quantization(a, y, node.loc, dtype)
        same_quantization(b, y, node.loc, dtype)
        return Lowered(PairwiseParams(a.shape, b.shape, y.shape, dtype=dtype.value), (a.name, b.name))

    def simulate(self, p: PairwiseParams, a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, ...]:
        rank = len(p.output_shape)
        return (type(self).choose(align(a, rank), align(b, rank)),)
