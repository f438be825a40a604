"""What DYNAMIC_ADD and DYNAMIC_SUB share."""

import numpy as np

from edgeq.ops.dynamic_pairwise import (
    DynamicPairwise,
    DynamicPairwiseParams,
    aligned,
    aligned_scale,
    both,
    largest_scale,
)
from edgeq.ops.pairwise import FusedPairwiseAttrs


class DynamicAddition(DynamicPairwise):
    """sum = aligned(a) ± aligned(b), below 2^29."""

    Attrs = FusedPairwiseAttrs

    def simulate(
        self, p: DynamicPairwiseParams, a: np.ndarray, b: np.ndarray, a_range: np.ndarray, b_range: np.ndarray
    ) -> tuple[np.ndarray, ...]:
        n = max(len(a), len(b))
        operands = both(p, a, b, a_range, b_range)
        ranges = [np.broadcast_to(each, (n, *each.shape[1:])) for each in (a_range, b_range)]
        common = largest_scale(ranges)
        a, b = (
            aligned(np.broadcast_to(x, (n, *x.shape[1:])), found, common)
            for x, found in zip(operands, ranges, strict=True)
        )
        return (a + p.sign * b).astype(np.int32), aligned_scale(common)
