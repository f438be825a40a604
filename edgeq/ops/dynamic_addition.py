"""What sums, differences and extremes of blocks share: both blocks at the larger of their scales."""

import numpy as np

from edgeq.ops.dynamic_pairwise import (
    DynamicPairwise,
    DynamicPairwiseParams,
    aligned,
    aligned_scale,
    both,
    largest_scale,
)
from edgeq.ops.pairwise import FusedPairwiseAttrs, PairwiseAttrs


class DynamicAligned(DynamicPairwise):
    """result = of_aligned(aligned(a), aligned(b)), below 2^29."""

    def of_aligned(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        """int64 of two arrays of these that broadcast."""
        raise NotImplementedError

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
        return self.of_aligned(a, b).astype(np.int32), aligned_scale(common)


class DynamicAddition(DynamicAligned):
    """aligned(a) ± aligned(b)."""

    Attrs = FusedPairwiseAttrs

    def of_aligned(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return a + self.sign * b


class DynamicExtreme(DynamicAligned):
    """The larger of aligned(a) and aligned(b), the smaller where `sign` is −1."""

    Attrs = PairwiseAttrs

    def of_aligned(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return np.maximum(a, b) if self.sign > 0 else np.minimum(a, b)
