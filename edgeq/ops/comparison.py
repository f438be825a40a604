"""What the six comparisons share. Their results are bool."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from edgeq.errors import QuantizationError
from edgeq.fixedpoint import Dialect, quantize_multiplier
from edgeq.ir import DType, Graph, Node
from edgeq.ops.base import Lowered, OutputRule, QuantRule, affine
from edgeq.ops.broadcast import FIRST, SECOND, align, lookup_pairs
from edgeq.ops.integers import IntegerPairwise, IntegerPairwiseParams, of_type
from edgeq.ops.pairwise import CommonScaleParams, PairwiseAttrs, runtime_operands

# Bits that both operands are scaled up by before they are compared.
LEFT_SHIFT = 8


@dataclass(frozen=True)
class ComparisonParams(CommonScaleParams):
    """Integers of a quantized comparison. input_type: int8 or int16."""

    input_type: str


class Comparison(IntegerPairwise):
    """Base of these operators.

    Quantized operands are brought to one scale first, a real number to 1/256 (TFLite's ComparisonQuantized, which
    aborts at scales of 1 and more; here both are then halved until they are below). Other operands are compared as the
    integers that they are.

    Attributes:
        scaled: types that count as quantized. For int16 that is as in LiteRT 2.x; TFLite 2.14 lacks half of it.
    """

    Params = (ComparisonParams, IntegerPairwiseParams)
    dtypes = (DType.INT8, DType.INT16, DType.INT32, DType.INT64)
    result = DType.BOOL
    scaled: ClassVar[tuple[DType, ...]] = (DType.INT8,)

    def quant_rule(self, attrs: PairwiseAttrs) -> QuantRule:
        # of equal scales integers compare as their numbers do
        return QuantRule(OutputRule.SAME_AS_INPUT)

    def lower(self, node: Node, graph: Graph, dialect: Dialect) -> Lowered:
        a, b, y = runtime_operands(node, graph)
        if a.dtype not in self.scaled:
            return super().lower(node, graph, dialect)
        of_type(y, (DType.BOOL,), node.loc)
        (scale_a, zero_a), (scale_b, zero_b) = affine(a, node.loc, a.dtype), affine(b, node.loc, a.dtype)
        multiplier_a, shift_a = quantize_multiplier(scale_a)
        multiplier_b, shift_b = quantize_multiplier(scale_b)
        excess = max(shift_a, shift_b, 0)
        if min(shift_a, shift_b) - excess < -31:
            raise QuantizationError(f"the scales {scale_a:g} and {scale_b:g} are too far apart", where=node.loc)
        params = ComparisonParams(
            input1_shape=a.shape,
            input2_shape=b.shape,
            output_shape=y.shape,
            input_type=a.dtype.value,
            left_shift=LEFT_SHIFT,
            input1_offset=-zero_a,
            input1_multiplier=multiplier_a,
            input1_shift=shift_a - excess,
            input2_offset=-zero_b,
            input2_multiplier=multiplier_b,
            input2_shift=shift_b - excess,
        )
        return Lowered(params, (a.name, b.name))

    def simulate(
        self, p: ComparisonParams | IntegerPairwiseParams, a: np.ndarray, b: np.ndarray
    ) -> tuple[np.ndarray, ...]:
        if isinstance(p, IntegerPairwiseParams):
            return super().simulate(p, a, b)
        rank = len(p.output_shape)
        if p.input_type == DType.INT8.value:
            table = self._compared(p, FIRST, SECOND).astype(np.int8).reshape(-1)
            return (lookup_pairs(table, a, b, rank).view(np.bool_),)
        return (self._compared(p, align(a, rank).astype(np.int64), align(b, rank).astype(np.int64)),)

    def _compared(self, p: ComparisonParams, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return type(self).function(*p.scaled(a, b))
