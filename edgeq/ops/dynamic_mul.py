"""DYNAMIC_MUL, edgeq's own operator: MUL of blocks."""

import numpy as np

from edgeq.fixedpoint_scales import parts, product
from edgeq.ops import register
from edgeq.ops.dynamic_pairwise import DynamicPairwise, DynamicPairwiseParams, both
from edgeq.ops.pairwise import FusedPairwiseAttrs


@register
class DynamicMul(DynamicPairwise):
    """The exact product of the integers, at the product of the scales."""

    name = "DYNAMIC_MUL"
    stands_for = "MUL"
    Attrs = FusedPairwiseAttrs

    def simulate(
        self, p: DynamicPairwiseParams, a: np.ndarray, b: np.ndarray, a_range: np.ndarray, b_range: np.ndarray
    ) -> tuple[np.ndarray, ...]:
        a, b = both(p, a, b, a_range, b_range)
        y = (p.sign * a * b).astype(np.int32)
        return y, np.broadcast_to(product(a_range, *parts(b_range)), (len(y), 2))
