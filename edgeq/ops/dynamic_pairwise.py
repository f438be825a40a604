"""Sums, differences, products and extremes of two blocks, which broadcast.

All but products are formed at the larger of both scales, times 2^−20: an integer x of the other block becomes
shifted(x · 2^20 · floor(its mantissa · 2^30 / the larger one's), 30 + difference of exponents).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from edgeq.fixedpoint import Dialect
from edgeq.fixedpoint_scales import MANTISSA_BITS, pair, parts, shifted
from edgeq.ir import Graph, Node, Tensor
from edgeq.ops.base import Lowered
from edgeq.ops.broadcast import align, broadcast_shape
from edgeq.ops.pairwise import PairwiseParams
from edgeq.ops.run_time import SCALE, RunTime, centred_block, lowered, require_ranges, spread

#: Fractional bits of an aligned integer, in steps of the common scale: one of a block and they are below 2^28.
ALIGNED_BITS = 20


@dataclass(frozen=True)
class DynamicPairwiseParams(PairwiseParams):
    """sign: −1 where the second operand is subtracted, or the smaller of both is the result."""

    sign: int = 1


class DynamicPairwise(RunTime):
    """Base of these operators. Operands: two blocks, their ranges."""

    Params = DynamicPairwiseParams
    sign = 1

    def infer(self, attrs: Any, a: Tensor, b: Tensor, a_range: Tensor, b_range: Tensor) -> tuple[tuple[int, ...], ...]:
        require_ranges(a_range, b_range)
        return broadcast_shape(a, b), SCALE

    def lower(self, node: Node, graph: Graph, dialect: Dialect) -> Lowered:
        a, b, _, _ = graph.operands(node)
        y, _ = graph.results(node)
        return lowered(DynamicPairwiseParams(a.shape, b.shape, y.shape, self.sign), node, graph, (0, 1, 2, 3))


def largest_scale(scales: list[np.ndarray]) -> np.ndarray:
    """The largest of some scales, (n, 2), for each vector; of ranges likewise."""
    largest = scales[0][..., :2]
    for scale in (each[..., :2] for each in scales[1:]):
        mantissa, exponent = parts(scale)
        known, known_exponent = parts(largest)
        larger = (exponent > known_exponent) | ((exponent == known_exponent) & (mantissa > known))
        largest = np.where(larger[..., np.newaxis], scale, largest)
    return largest


def aligned(x: np.ndarray, scale: np.ndarray, common: np.ndarray) -> np.ndarray:
    """int64 integers of a block, without its zero point, in 2^−20 steps of a common scale that is not smaller."""
    mantissa, exponent = parts(scale)
    larger, larger_exponent = parts(common)
    ratio = (mantissa << MANTISSA_BITS) // larger
    bits = MANTISSA_BITS + larger_exponent - exponent
    return shifted((x << ALIGNED_BITS) * spread(ratio, x), spread(bits, x))


def aligned_scale(common: np.ndarray) -> np.ndarray:
    """The scale of what `aligned` gives."""
    mantissa, exponent = parts(common)
    return pair(mantissa, exponent - ALIGNED_BITS)


def both(
    p: DynamicPairwiseParams, a: np.ndarray, b: np.ndarray, a_range: np.ndarray, b_range: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The operands' integers without their zero points, with the result's number of axes."""
    rank = len(p.output_shape)
    return align(centred_block(a, a_range), rank), align(centred_block(b, b_range), rank)
