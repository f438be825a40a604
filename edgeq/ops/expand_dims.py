"""EXPAND_DIMS: an axis of size 1 put in. Operands: the data, where (a constant; −1 is behind the last axis)."""

from dataclasses import dataclass

import numpy as np

from edgeq.ir import Tensor
from edgeq.ops import register
from edgeq.ops.base import require
from edgeq.ops.reshape import Reshape


@dataclass(frozen=True)
class ExpandDimsAttrs:
    """EXPAND_DIMS has no attributes."""


@register
class ExpandDims(Reshape):
    name = "EXPAND_DIMS"
    Attrs = ExpandDimsAttrs

    def infer(self, attrs: ExpandDimsAttrs, x: Tensor, axis: Tensor) -> tuple[tuple[int, ...], ...]:
        require(axis.data is not None and axis.size == 1, "the axis needs to be one constant")
        return (_expanded(x.shape, int(np.ravel(axis.data)[0])),)

    def evaluate(self, attrs: ExpandDimsAttrs, x: np.ndarray, axis: np.ndarray) -> tuple[np.ndarray, ...]:
        return (x.reshape((x.shape[0], *_expanded(x.shape[1:], int(np.ravel(axis)[0])))),)


def _expanded(shape: tuple[int, ...], axis: int) -> tuple[int, ...]:
    rank = len(shape) + 1
    require(-rank <= axis < rank, f"an axis cannot be put at {axis} of {list(shape)}")
    axis %= rank
    return (*shape[:axis], 1, *shape[axis:])
