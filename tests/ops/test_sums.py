"""What sums a channel can have, and where its results step: against all of them."""

from __future__ import annotations

import itertools

import numpy as np

from edgeq.fixedpoint import requantize
from edgeq.kernels.sums import RESULTS, steps_of, sums_between


def test_ends_of_sums_are_reached_and_not_passed():
    weights = np.array([[3, -2, 0], [-1, -1, -5], [7, 1, 2]], np.int8)
    for low, high in ((-128, 127), (0, 3), (-2, 0)):
        xs = np.array(list(itertools.product((low, 0, high), repeat=3)))
        sums = weights.astype(np.int64) @ xs.T
        lowest, highest = sums_between(weights, low, high)
        np.testing.assert_array_equal(lowest, sums.min(axis=1))
        np.testing.assert_array_equal(highest, sums.max(axis=1))


def test_steps_are_the_first_sums_of_their_results():
    multiplier, shift = np.array([[1 << 30], [1_500_000_000], [1 << 30]]), np.array([[-3], [-1], [-20]])
    lowest, highest = np.array([-900, -300, -5]), np.array([1000, 20, 5])

    def results(sums: np.ndarray) -> np.ndarray:
        return requantize(sums, multiplier, shift) - 4

    steps = steps_of(results, lowest, highest)
    for channel, (low, high) in enumerate(zip(lowest, highest, strict=True)):
        every = np.arange(low, high + 1)
        found = results(np.broadcast_to(every, (3, every.size)))[channel]
        for value, step in zip(RESULTS, steps[channel], strict=True):
            reached = every[found >= value]
            assert step == (reached[0] if reached.size else high + 1)
