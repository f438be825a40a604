"""Broadcasting of two operands, as NumPy's rules have it."""

from __future__ import annotations

import numpy as np

from edgeq.errors import ModelError
from edgeq.ir import Tensor

# Pairs of operands that are looked up at a time.
_PAIRS = 1 << 15


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


def lookup_pairs(table: np.ndarray, a: np.ndarray, b: np.ndarray, rank: int) -> np.ndarray:
    """Results of a function of two int8 operands, which are broadcast against each other.

    Args:
        table: (65536,), the result for a, b at 256·(a mod 256) + (b mod 256).
        a, b: int8 (n or 1, *shape); `rank`: dimensions of the result without the vector axis.
    """
    a, b = align(a, rank).view(np.uint8), align(b, rank).view(np.uint8)
    y = np.empty(np.broadcast_shapes(a.shape, b.shape), np.int8)
    # some vectors at a time: the indices stay in a core's cache
    step = max(1, _PAIRS * len(y) // max(1, y.size))
    for start in range(0, len(y), step):
        index = _some(a, start, step).astype(np.uint16) << 8 | _some(b, start, step)
        np.take(table, index, out=y[start : start + step], mode="clip")
    return y


def _some(x: np.ndarray, start: int, step: int) -> np.ndarray:
    """A slice of the vectors; a constant (1, …) stands for all of them."""
    return x if len(x) == 1 else x[start : start + step]


#: Every pair of operands in the order of such a table: int64 (256, 1) and (256,).
FIRST = np.arange(256, dtype=np.uint8).view(np.int8).astype(np.int64)[:, np.newaxis]
SECOND = FIRST[:, 0]
