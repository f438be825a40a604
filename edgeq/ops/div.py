"""DIV: the elementwise quotient."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgeq.errors import QuantizationError
from edgeq.fixedpoint import Dialect, doubling_high_mult, quantize_multiplier, rounding_divide_by_pot, saturate
from edgeq.fixedpoint_math import reciprocal_of_one_plus
from edgeq.ir import DType, Graph, Node
from edgeq.ops import register
from edgeq.ops.base import Lowered, activation_range, affine
from edgeq.ops.pairwise import FusedPairwiseAttrs, Pairwise, PairwiseParams, runtime_operands

# Dividends of nine bits leave so many bits free that a larger shift would end on the left.
MAX_SHIFT = 23


@dataclass(frozen=True)
class DivParams(PairwiseParams):
    """multiplier, shift: scale of a quotient of integers, shift at most 23."""

    input1_offset: int
    input2_offset: int
    output_offset: int
    multiplier: int
    shift: int
    activation_min: int
    activation_max: int


@register
class Div(Pairwise):
    """a times gemmlowp's fixed-point reciprocal of b, requantized: TFLite's div.h.

    TFLite's interpreter has it of uint8, TFLite Micro of int8 too. Where b is 0, which TFLite leaves undefined, the
    result is the limit on the dividend's side, and 0 for a dividend of 0.
    """

    name = "DIV"
    Attrs = FusedPairwiseAttrs
    Params = DivParams

    def of_reals(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        """A divisor of 0 gives 0 here: an infinite range could not be quantized."""
        return np.divide(a, b, out=np.zeros(np.broadcast_shapes(a.shape, b.shape), np.float32), where=b != 0)

    def lower(self, node: Node, graph: Graph, dialect: Dialect) -> Lowered:
        a, b, y = runtime_operands(node, graph)
        (scale_a, zero_a), (scale_b, zero_b) = affine(a, node.loc), affine(b, node.loc)
        scale_y, zero_y = affine(y, node.loc)
        # float32 throughout, as TFLite's div.cc computes it
        ratio = np.float32(scale_a) / (np.float32(scale_b) * np.float32(scale_y))
        multiplier, shift = quantize_multiplier(float(ratio))
        if shift > MAX_SHIFT:
            raise QuantizationError(
                f"the scales call for a factor of 2^{shift}, this operator takes 2^{MAX_SHIFT} at most",
                where=node.loc,
                hint="calibrate with data that covers the range of the layer's results",
            )
        low, high = activation_range(node.attrs.activation, scale_y, zero_y, DType.INT8)
        params = DivParams(a.shape, b.shape, y.shape, -zero_a, -zero_b, zero_y, multiplier, shift, low, high)
        return Lowered(params, (a.name, b.name))

    def of_integers(self, p: DivParams, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        b = b + p.input2_offset
        a = (a + p.input1_offset) * np.where(b < 0, -1, 1)
        size = np.abs(b)
        bits = np.frexp(size.astype(np.float64))[1]  # 0 of 0
        reciprocal = reciprocal_of_one_plus((size << (32 - bits)) - (np.int64(1) << 31))
        # as far left as it goes without touching the sign
        headroom = 31 - np.frexp(np.where(a < 0, 2 * np.abs(a) - 1, 2 * a).astype(np.float64))[1] + 1
        headroom = np.minimum(headroom, 31)
        quotient = doubling_high_mult(a << headroom, reciprocal)
        right = headroom + (bits - 1) - p.shift
        y = rounding_divide_by_pot(doubling_high_mult(quotient, p.multiplier), np.clip(right, 0, 31))
        y = np.where(right > 31, 0, y)
        y = np.where(b == 0, np.sign(a) * (1 << 16), y)
        return saturate(y + p.output_offset, p.activation_min, p.activation_max)
