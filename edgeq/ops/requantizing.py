"""What turns sums into blocks and blocks into integers of a fixed scale: clamping to real bounds at run-time scales."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from edgeq.fixedpoint import INT32_MAX
from edgeq.fixedpoint_scales import in_steps
from edgeq.ops.base import Activation
from edgeq.ops.run_time import spread

#: Bounds of an activation are integers below 2 to this power, times a power of two.
_BOUND_BITS = 28


@dataclass(frozen=True)
class Clamp:
    """The bounds of sums.

    Attributes:
        bounded: 1 where they are real numbers low, high · 2^bound_exponent, which a scale turns into integers; 0 where
            `low` and `high` are those integers.
    """

    bounded: int
    low: int
    high: int
    bound_exponent: int

    def limits(self, scale: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """int64 (n,) each, at scales (n, 2); not below −(2^31 − 1)."""
        if not self.bounded:
            return np.full(len(scale), self.low, np.int64), np.full(len(scale), self.high, np.int64)
        low, high = (in_steps(bound, self.bound_exponent, scale) for bound in (self.low, self.high))
        return np.maximum(low, -INT32_MAX), high

    def clamped(self, x: np.ndarray, scale: np.ndarray) -> np.ndarray:
        """int64 values of sums (n, …) within the bounds."""
        low, high = self.limits(scale)
        return np.clip(x.astype(np.int64), spread(low, x), spread(high, x))


def clamp_fields(activation: Activation) -> tuple[int, int, int, int]:
    """The fields of `Clamp` for a fused activation."""
    low, high = activation.bounds
    if not math.isfinite(high):
        return 0, 0 if low == 0.0 else -INT32_MAX, INT32_MAX, 0
    exponent = math.frexp(max(abs(low), abs(high)))[1] - _BOUND_BITS
    return 1, round(math.ldexp(low, -exponent)), round(math.ldexp(high, -exponent)), exponent


def known_zero_point(activation: Activation) -> int:
    """Of a block whose zero point must be known beforehand: −128 of what is not negative, else 0."""
    return -128 if activation.bounds[0] == 0.0 else 0
