"""Exact integer products at BLAS speed.

A float type holds every integer up to 2^24 (float32) or 2^53 (float64). While no partial sum can leave that range, a
float matrix product of integers *is* the integer product, whatever the order of summation.
"""

from __future__ import annotations

import numpy as np

from edgeq.errors import QuantizationError
from edgeq.ir import DType


def float_type(bound: int) -> type:
    """The fastest float type that is exact for sums of products whose absolute values add up to `bound` at most."""
    if bound < 1 << 24:
        return np.float32
    if bound < 1 << 53:
        return np.float64
    raise QuantizationError(f"an accumulator bound of {bound:,} exceeds what float64 holds exactly")


def product_bound(weights: np.ndarray, input_offset: int, axes: tuple[int, ...], dtype: DType = DType.INT8) -> int:
    """max over channels of Σ|w| · max|x + input_offset| for x of that type: bounds every partial sum. `axes`: summed
    axes."""
    low, high = dtype.range
    reach = max(abs(low + input_offset), abs(high + input_offset))
    return int(np.abs(weights.astype(np.int64)).sum(axis=axes).max(initial=0)) * reach
