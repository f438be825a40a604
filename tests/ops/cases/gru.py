"""GRUs in both forms, begun from nothing and from a given state."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from edgeq.ir import DType
from edgeq.ops.recurrent import RecurrentAttrs

from .. import recurrents
from ..graphs import Case
from ..recurrents import in_int16, over_steps, sigmoid  # noqa: F401

STATES = True
#: Hidden: half a step of Q3.12 is four of 2^-15, up to five times in each of up to six steps, which recurrent weights
#: may make four times as much. As int8, whose steps are 2^7.5 or more of these, half a step more; int16's are 2^-0.5.
BOUND = {DType.INT8: (3.4, 512.0), DType.INT16: (725.0, 512.0)}


def cases(rng: np.random.Generator) -> Iterator[Case]:
    return recurrents.cases("GRU", 3, rng)


def meaning(attrs: RecurrentAttrs, x, w, u, b, c, hidden=None) -> tuple[np.ndarray, ...]:
    wz, wr, wn = np.split(w[0], 3)
    uz, ur, un = np.split(u[0], 3)
    bz, br, bn = np.split(b[0], 3)
    cz, cr, cn = np.split(c[0], 3)

    def step(x: np.ndarray, h: np.ndarray) -> np.ndarray:
        z = sigmoid(x @ wz.T + h @ uz.T + bz + cz)
        r = sigmoid(x @ wr.T + h @ ur.T + br + cr)
        inner = r * (h @ un.T + cn) if attrs.reset_after else (r * h) @ un.T + cn
        return z * h + (1 - z) * np.tanh(x @ wn.T + bn + inner)

    return over_steps(attrs, x, hidden, u.shape[2], step)
