"""QUANTIZE: another scale and zero point for the same numbers."""

from __future__ import annotations

import numpy as np

from edgeq.errors import QuantizationError
from edgeq.fixedpoint import Dialect, quantize_multiplier
from edgeq.ir import DType, Graph, Node, Tensor
from edgeq.ops import register
from edgeq.ops.base import Lowered, affine
from edgeq.ops.lookup import Lookup, LookupAttrs, LookupParams, requantized
from edgeq.ops.real_edges import FromRealParams, from_real, quantized
from edgeq.ops.rescaling import RescaleParams, checked, rescaling

# Of operand and result.
_TYPES = (
    (DType.INT8, DType.INT8),
    (DType.INT8, DType.INT16),
    (DType.INT16, DType.INT8),
    (DType.INT16, DType.INT16),
    (DType.INT16, DType.INT32),
    (DType.INT32, DType.INT8),
    (DType.INT32, DType.INT16),
)


@register
class Quantize(Lookup):
    """From integers a requantization, from and to int32 too. From float32 it stands at an input of the graph."""

    name = "QUANTIZE"
    Params = (LookupParams, RescaleParams, FromRealParams)
    dtypes = (DType.INT8, DType.INT16)

    def evaluate(self, attrs: LookupAttrs, x: np.ndarray) -> tuple[np.ndarray, ...]:
        return (x,)

    def lower(self, node: Node, graph: Graph, dialect: Dialect) -> Lowered:
        (x,) = graph.operands(node)
        (y,) = graph.results(node)
        if x.dtype is DType.FLOAT32 and x.name in graph.inputs:
            return Lowered(from_real(x, y, node.loc), (x.name,))
        if x.dtype is DType.FLOAT32:
            raise QuantizationError(
                f"{x.name!r} is float32 inside the graph: the firmware computes in integers",
                where=node.loc,
                hint="convert the model to full-integer int8, so that QUANTIZE stands at its inputs only",
            )
        types = (x.dtype, y.dtype)
        for tensor in (x, y):
            known = tensor.dtype if types in _TYPES else DType.INT8
            # TFLite takes a zero point of int16, but between two tensors of int16
            affine(tensor, node.loc, known, centred=known is DType.INT32 or types == (DType.INT16, DType.INT16))
        if x.dtype is y.dtype is DType.INT8:
            return super().lower(node, graph, dialect)
        # a quotient of doubles, as TFLite's quantize.cc computes it
        factor = quantize_multiplier(x.quant.per_tensor[0] / y.quant.per_tensor[0])
        return Lowered(checked(rescaling(x, y, factor), node.loc), (x.name,))

    def simulate(self, p: LookupParams | RescaleParams | FromRealParams, x: np.ndarray) -> tuple[np.ndarray, ...]:
        return (quantized(p, x),) if isinstance(p, FromRealParams) else super().simulate(p, x)

    def table(self, attrs: LookupAttrs, x: Tensor, y: Tensor, where: str) -> np.ndarray:
        # a quotient of doubles, as TFLite's quantize.cc computes it
        return requantized(x, y, x.quant.per_tensor[0] / y.quant.per_tensor[0])
