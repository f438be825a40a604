"""SQUARED_DIFFERENCE: (a − b)²."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgeq.fixedpoint import Dialect, quantize_multiplier, requantize, saturate
from edgeq.ir import DType, Graph, Node
from edgeq.ops import register
from edgeq.ops.base import Lowered, activation_type, affine, check_accumulator
from edgeq.ops.pairwise import CommonScaleParams, Pairwise, runtime_operands, to_common_scale

# Bits that both operands are scaled up by before they are brought to a common scale: what their square leaves room for.
_LEFT_SHIFTS = {DType.INT8: 7, DType.INT16: 0}


@dataclass(frozen=True)
class SquaredDifferenceParams(CommonScaleParams):
    output_offset: int
    output_multiplier: int
    output_shift: int


@register
class SquaredDifference(Pairwise):
    """Each operand is requantized to twice the larger scale as in ADD, the square of their difference to the result's.

    TFLite's squared_difference.cc; of int16, which TFLite's converter writes and its interpreters lack, TFLite Micro's.
    """

    name = "SQUARED_DIFFERENCE"
    Params = SquaredDifferenceParams
    dtypes = (DType.INT8, DType.INT16)

    def of_reals(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return np.square(a - b)

    def lower(self, node: Node, graph: Graph, dialect: Dialect) -> Lowered:
        a, b, y = runtime_operands(node, graph)
        dtype = activation_type(self, node.loc, a, b, y)
        left_shift = _LEFT_SHIFTS[dtype]
        fields, twice = to_common_scale(a, b, y, left_shift, node.loc, dtype)
        scale_y, zero_y = affine(y, node.loc, dtype)
        multiplier_y, shift_y = quantize_multiplier(twice * twice / ((1 << (2 * left_shift)) * scale_y))
        params = SquaredDifferenceParams(
            **fields, output_offset=zero_y, output_multiplier=multiplier_y, output_shift=shift_y
        )
        ends = np.array(dtype.range)
        first, second = params.scaled(ends, ends[::-1])
        bound = int(np.abs(first - second).max()) ** 2
        return Lowered(params, (a.name, b.name), check_accumulator(bound, shift_y, node.loc))

    def of_integers(self, p: SquaredDifferenceParams, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        a, b = p.scaled(a, b)
        y = requantize((a - b) ** 2, p.output_multiplier, p.output_shift) + p.output_offset
        dtype = DType(p.dtype)
        return saturate(y, *dtype.range, dtype.numpy.type)
