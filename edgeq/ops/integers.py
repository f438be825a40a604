"""What operators on plain integers share: numbers without a scale."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from edgeq.errors import QuantizationError
from edgeq.fixedpoint import Dialect
from edgeq.ir import DType, Graph, Node, Tensor
from edgeq.ops.base import Lowered
from edgeq.ops.broadcast import align
from edgeq.ops.pairwise import Pairwise, PairwiseAttrs, PairwiseParams, runtime_operands

#: Types that kernels of plain integers know.
INTEGERS = (DType.INT8, DType.INT16, DType.INT32, DType.INT64, DType.BOOL)


@dataclass(frozen=True)
class IntegerPairwiseParams(PairwiseParams):
    """input_type: of both operands; output_type. Names of the IR."""

    input_type: str
    output_type: str


class IntegerPairwise(Pairwise):
    """Base of the operators of two integers of one type, whatever their scale.

    Attributes:
        function: NumPy's.
        result: the result's type, None for that of the operands.
    """

    Params = IntegerPairwiseParams
    function: ClassVar[Callable[[np.ndarray, np.ndarray], np.ndarray]]
    result: ClassVar[DType | None] = None

    def evaluate(self, attrs: PairwiseAttrs, a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, ...]:
        rank = max(a.ndim, b.ndim) - 1
        with np.errstate(divide="ignore", invalid="ignore"):
            return (type(self).function(align(a, rank), align(b, rank)),)

    def lower(self, node: Node, graph: Graph, dialect: Dialect) -> Lowered:
        a, b, y = runtime_operands(node, graph)
        of_type(a, self.dtypes, node.loc)
        of_type(b, (a.dtype,), node.loc)
        of_type(y, (self.result or a.dtype,), node.loc)
        params = IntegerPairwiseParams(a.shape, b.shape, y.shape, a.dtype.value, y.dtype.value)
        return Lowered(params, (a.name, b.name))

    def simulate(self, p: IntegerPairwiseParams, a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, ...]:
        rank = len(p.output_shape)
        with np.errstate(divide="ignore", over="ignore"):
            y = type(self).function(align(a, rank).astype(np.int64), align(b, rank).astype(np.int64))
        return (y.astype(DType(p.output_type).numpy),)


def of_type(tensor: Tensor, dtypes: tuple[DType, ...], where: str) -> DType:
    """The tensor's type; raises QuantizationError unless it is one of these."""
    if tensor.dtype not in dtypes:
        names = " or ".join(each.value for each in dtypes)
        raise QuantizationError(f"tensor {tensor.name!r} is {tensor.dtype.value}, {names} is needed", where=where)
    return tensor.dtype
