"""A histogram of a stream, in bounded memory, that depends on the values alone and not on how they were batched."""

from __future__ import annotations

import numpy as np

# Bins on each side of zero. A 255-step grid over half of one side still has 8 bins to a step.
HALF = 4096


class Histogram:
    """Counts of values in equal bins over [-reach, reach], reach a power of two that grows as values come.

    Zeros are counted apart: quantization with an exact zero never harms them.

    Attributes:
        counts: int64 (2·HALF,).
        zeros: how many values were 0.
        low, high: the smallest and the largest value, exactly; +inf and -inf before the first.
    """

    def __init__(self):
        self.counts = np.zeros(2 * HALF, np.int64)
        self.zeros = 0
        self.reach = 0.0
        self.low, self.high = np.inf, -np.inf

    def update(self, values: np.ndarray) -> None:
        """Takes finite values of any shape."""
        flat = values.reshape(-1).astype(np.float64)
        if not flat.size:
            return
        self.low, self.high = min(self.low, float(flat.min())), max(self.high, float(flat.max()))
        flat = flat[flat != 0]
        self.zeros += values.size - flat.size
        if not flat.size:
            return
        self._reach_to(float(np.abs(flat).max()))
        # floor keeps [k, k + 1) bins of one width to both sides; the largest value itself belongs to the last bin
        index = np.floor(flat * (HALF / self.reach)).astype(np.int64) + HALF
        self.counts += np.bincount(np.minimum(index, 2 * HALF - 1), minlength=2 * HALF)

    def _reach_to(self, peak: float) -> None:
        wanted = 2.0 ** np.ceil(np.log2(peak))
        if self.reach == 0.0:
            self.reach = wanted
        while self.reach < wanted:
            # two bins become one; each side keeps its distance from zero
            paired = self.counts.reshape(-1, 2).sum(axis=1)
            self.counts = np.zeros(2 * HALF, np.int64)
            self.counts[HALF // 2 : HALF // 2 + HALF] = paired
            self.reach *= 2.0

    @property
    def total(self) -> int:
        return int(self.counts.sum()) + self.zeros

    @property
    def edges(self) -> np.ndarray:
        """float64 (2·HALF + 1,): the bins' borders."""
        return np.arange(-HALF, HALF + 1) * (self.reach / HALF)

    @property
    def centres(self) -> np.ndarray:
        return (np.arange(-HALF, HALF) + 0.5) * (self.reach / HALF)
