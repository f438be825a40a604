"""GRU, edgeq's own operator, in both of Keras's forms."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from edgeq.ops import register
from edgeq.ops.recurrent import (
    Recurrent,
    RecurrentAttrs,
    RecurrentParams,
    logistic,
    recurrent_product,
    rounded_product,
    tanh,
)


@register
class Gru(Recurrent):
    """z, r = σ(W·x + U·h + b), n = tanh(W·x + r∘(U·h + b)), h ← z∘h + (1 − z)∘n; without `reset_after` n has U·(r∘h).

    The gates stand in Keras's order: z, r, n. A new state is (z·h + (2^15 − z)·n) / 2^15, rounded once, ties up.
    """

    name = "GRU"
    gates = 3

    def next_state(self, attrs: RecurrentAttrs, x: np.ndarray, h: np.ndarray, product: Callable) -> np.ndarray:
        units = h.shape[-1]
        last = slice(2 * units, 3 * units)
        p = product(h)
        z, r = (0.5 + 0.5 * np.tanh(0.5 * v) for v in np.split((x + p)[..., : 2 * units], 2, axis=-1))
        n = np.tanh(x[..., last] + (r * p[..., last] if attrs.reset_after else product(r * h, last)))
        return z * h + (1 - z) * n

    def step(self, p: RecurrentParams, x: np.ndarray, h: np.ndarray) -> np.ndarray:
        first, last = slice(2 * p.units), slice(2 * p.units, 3 * p.units)
        z, r = np.split(logistic(x[..., first] + recurrent_product(p, h, first)), 2, axis=-1)
        if p.reset_after:
            product = rounded_product(r, recurrent_product(p, h, last))
        else:
            product = recurrent_product(p, rounded_product(r, h), last)
        n = tanh(x[..., last] + product)
        return (z * h + ((1 << 15) - z) * n + (1 << 14)) >> 15
