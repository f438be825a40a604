"""SIMPLE_RNN, edgeq's own operator: a hidden state that is fed back through one dense layer."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from edgeq.ops import register
from edgeq.ops.recurrent import Recurrent, RecurrentAttrs, RecurrentParams, recurrent_product, tanh


@register
class SimpleRnn(Recurrent):
    """h ← tanh(W·x + U·h + b)."""

    name = "SIMPLE_RNN"
    gates = 1

    def next_state(self, attrs: RecurrentAttrs, x: np.ndarray, h: np.ndarray, product: Callable) -> np.ndarray:
        return np.tanh(x + product(h))

    def step(self, p: RecurrentParams, x: np.ndarray, h: np.ndarray) -> np.ndarray:
        return tanh(x + recurrent_product(p, h))
