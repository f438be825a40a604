"""What sums of products a channel can have, and where its requantized results step from one value to the next.

A requantization is a monotone step function of its sum, with at most 256 values of int8. Another way to compute it
gives the same results if it steps at the same places: agreement at every step and right before it is agreement
everywhere.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

#: The results that a step can lead to: int64 (255,).
RESULTS = np.arange(-127, 128)


def sums_between(weights: np.ndarray, low: int = -128, high: int = 127) -> tuple[np.ndarray, np.ndarray]:
    """(lowest, highest) of the sums Σ w · x over any of the products, int64 (channels,), where low ≤ 0 ≤ high are the
    ends of x. weights: int8 (channels, …)."""
    wide = weights.reshape(len(weights), -1).astype(np.int64)
    above, below = np.maximum(wide, 0).sum(axis=1), np.minimum(wide, 0).sum(axis=1)
    return above * low + below * high, above * high + below * low


def steps_of(requantized: Callable[[np.ndarray], np.ndarray], lowest: np.ndarray, highest: np.ndarray) -> np.ndarray:
    """Of each channel and each of `RESULTS` the lowest sum that reaches it, highest + 1 where none does: int64
    (channels, 255).

    Args:
        requantized: from sums to results, both int64 (channels, 255); monotone.
        lowest, highest: ends of the channels' sums, integers (channels,).
    """
    shape = len(lowest), len(RESULTS)
    low, high = (np.broadcast_to(ends[:, np.newaxis], shape).astype(np.int64) for ends in (lowest, highest + 1))
    while (low < high).any():
        middle = (low + high) >> 1
        reached = requantized(middle) >= RESULTS
        low, high = np.where(reached, low, np.minimum(middle + 1, high)), np.where(reached, middle, high)
    return low
