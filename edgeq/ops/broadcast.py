"""Broadcasting of two operands, as NumPy's rules have it."""

from __future__ import annotations

import numpy as np

from edgeq.errors import ModelError
from edgeq.ir import Tensor


def broadcast_shape(a: Tensor, b: Tensor) -> tuple[int, ...]:
    """The common shape; raises ModelError where there is none."""
    try:
        return np.broadcast_shapes(a.shape, b.shape)
    except ValueError:
        raise ModelError(f"shapes {list(a.shape)} and {list(b.shape)} do not broadcast") from None


def align(a: np.ndarray, rank: int) -> np.ndarray:
    """An operand (n, *shape) with ones put in behind its vector axis until it has 1 + rank dimensions."""
    return a.reshape(a.shape[:1] + (1,) * (rank + 1 - a.ndim) + a.shape[1:])


def strides(shape: tuple[int, ...], common: tuple[int, ...]) -> tuple[int, ...]:
    """By how many elements an operand of `shape` advances along each axis of the `common` shape, 0 where repeated."""
    result = []
    step = 1
    for axis in reversed(range(len(common))):
        own = axis - (len(common) - len(shape))
        size = shape[own] if own >= 0 else 1
        result.append(step if size > 1 else 0)
        step *= size
    return tuple(reversed(result))
