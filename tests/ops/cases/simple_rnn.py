"""Simple recurrent layers, begun from nothing and from a given state."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from edgeq.ir import DType
from edgeq.ops.recurrent import RecurrentAttrs

from .. import recurrents
from ..graphs import Case
from ..recurrents import in_int16, over_steps  # noqa: F401

STATES = True
#: As a GRU's, but nothing dampens what a step adds.
BOUND = {DType.INT8: (0.7, 80.0), DType.INT16: (80.0, 80.0)}


def cases(rng: np.random.Generator) -> Iterator[Case]:
    return recurrents.cases("SIMPLE_RNN", 1, rng)


def meaning(attrs: RecurrentAttrs, x, w, u, b, c, hidden=None) -> tuple[np.ndarray, ...]:
    def step(x: np.ndarray, h: np.ndarray) -> np.ndarray:
        return np.tanh(x @ w[0].T + h @ u[0].T + b[0] + c[0])

    return over_steps(attrs, x, hidden, u.shape[2], step)
