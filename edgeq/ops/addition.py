"""What ADD and SUB share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from edgeq.fixedpoint import Dialect, quantize_multiplier_below_one, requantize, saturate
from edgeq.ir import DType, Graph, Node
from edgeq.ops.base import Lowered, activation_range, activation_type, affine
from edgeq.ops.pairwise import CommonScaleParams, FusedPairwiseAttrs, Pairwise, runtime_operands, to_common_scale

# Bits that both operands are scaled up by before they are brought to a common scale.
LEFT_SHIFT = {DType.INT8: 20, DType.INT16: 15}


@dataclass(frozen=True)
class AdditionParams(CommonScaleParams):
    """Integers of a sum, or of a difference where `subtracts` is 1. Shifts are not positive."""

    output_offset: int
    output_multiplier: int
    output_shift: int
    activation_min: int
    activation_max: int
    subtracts: int


class Addition(Pairwise):
    """Base of ADD and SUB: each operand is requantized to twice the larger scale, the sum to the result's.

    Attributes:
        subtracts: whether the second operand is subtracted.
    """

    Attrs = FusedPairwiseAttrs
    Params = AdditionParams
    dtypes = (DType.INT8, DType.INT16)
    subtracts: ClassVar[bool] = False

    def of_reals(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return a - b if self.subtracts else a + b

    def lower(self, node: Node, graph: Graph, dialect: Dialect) -> Lowered:
        a, b, y = runtime_operands(node, graph)
        dtype = activation_type(self, node.loc, a, b, y)
        left_shift = LEFT_SHIFT[dtype]
        fields, twice = to_common_scale(a, b, y, left_shift, node.loc, dtype)
        scale_y, zero_y = affine(y, node.loc, dtype)
        low, high = activation_range(node.attrs.activation, scale_y, zero_y, dtype)
        multiplier_y, shift_y = quantize_multiplier_below_one(twice / ((1 << left_shift) * scale_y), node.loc)
        params = AdditionParams(
            **fields,
            output_offset=zero_y,
            output_multiplier=multiplier_y,
            output_shift=shift_y,
            activation_min=low,
            activation_max=high,
            subtracts=int(self.subtracts),
        )
        # |x − zero point| ≤ 255, or 2^15 of int16; each operand is at least halved after its left shift
        return Lowered(params, (a.name, b.name), (255 if dtype is DType.INT8 else 1 << 15) << left_shift)

    def of_integers(self, p: AdditionParams, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        a, b = p.scaled(a, b)
        # TFLite subtracts what it has requantized: a negative multiplier would round ties the other way
        y = requantize(a - b if p.subtracts else a + b, p.output_multiplier, p.output_shift)
        y += p.output_offset
        return saturate(y, p.activation_min, p.activation_max, DType(p.dtype).numpy.type)
