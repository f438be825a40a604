"""SQUARED_DIFFERENCE: (a − b)²."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np

from edgeq.fixedpoint import Dialect, quantize_multiplier, quantize_multiplier_below_one, requantize, saturate
from edgeq.ir import Graph, Node, frozen_array
from edgeq.ops import register
from edgeq.ops.base import Lowered, affine, check_accumulator
from edgeq.ops.broadcast import FIRST, SECOND, align
from edgeq.ops.pairwise import Pairwise, PairwiseAttrs, PairwiseParams, runtime_operands

# Bits that both operands are scaled up by before they are brought to a common scale.
LEFT_SHIFT = 7


@dataclass(frozen=True)
class SquaredDifferenceParams(PairwiseParams):
    """Shifts of the inputs are not positive."""

    left_shift: int
    input1_offset: int
    input1_multiplier: int
    input1_shift: int
    input2_offset: int
    input2_multiplier: int
    input2_shift: int
    output_offset: int
    output_multiplier: int
    output_shift: int


@register
class SquaredDifference(Pairwise):
    """Each operand is requantized to twice the larger scale as in ADD, the square of their difference to the result's.

    TFLite's squared_difference.cc.
    """

    name = "SQUARED_DIFFERENCE"
    Params = SquaredDifferenceParams

    def evaluate(self, attrs: PairwiseAttrs, a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, ...]:
        rank = max(a.ndim, b.ndim) - 1
        return (np.square(align(a, rank) - align(b, rank)).astype(np.float32),)

    def lower(self, node: Node, graph: Graph, dialect: Dialect) -> Lowered:
        a, b, y = runtime_operands(node, graph)
        (scale_a, zero_a), (scale_b, zero_b) = affine(a, node.loc), affine(b, node.loc)
        scale_y, zero_y = affine(y, node.loc)
        twice = 2.0 * max(scale_a, scale_b)
        multiplier_a, shift_a = quantize_multiplier_below_one(scale_a / twice, node.loc)
        multiplier_b, shift_b = quantize_multiplier_below_one(scale_b / twice, node.loc)
        multiplier_y, shift_y = quantize_multiplier(twice * twice / ((1 << (2 * LEFT_SHIFT)) * scale_y))
        params = SquaredDifferenceParams(
            input1_shape=a.shape,
            input2_shape=b.shape,
            output_shape=y.shape,
            left_shift=LEFT_SHIFT,
            input1_offset=-zero_a,
            input1_multiplier=multiplier_a,
            input1_shift=shift_a,
            input2_offset=-zero_b,
            input2_multiplier=multiplier_b,
            input2_shift=shift_b,
            output_offset=zero_y,
            output_multiplier=multiplier_y,
            output_shift=shift_y,
        )
        bound = int(np.abs(_differences(params)).max()) ** 2
        return Lowered(params, (a.name, b.name), check_accumulator(bound, shift_y, node.loc))

    def results(self, p: SquaredDifferenceParams) -> np.ndarray:
        return _table(p)


def _differences(p: SquaredDifferenceParams) -> np.ndarray:
    """a − b at the common scale, for every pair: int64 (256, 256)."""
    a = requantize((FIRST + p.input1_offset) << p.left_shift, p.input1_multiplier, p.input1_shift)
    return a - requantize((SECOND + p.input2_offset) << p.left_shift, p.input2_multiplier, p.input2_shift)


@functools.lru_cache(maxsize=32)
def _table(p: SquaredDifferenceParams) -> np.ndarray:
    y = requantize(_differences(p) ** 2, p.output_multiplier, p.output_shift) + p.output_offset
    return frozen_array(saturate(y, -128, 127).reshape(-1))
