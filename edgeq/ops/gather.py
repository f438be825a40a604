"""GATHER: the elements of an axis that constant indices name. Operands: the data, the indices."""

from dataclasses import dataclass

import numpy as np

from edgeq.ops import register
from edgeq.ops.base import require
from edgeq.ops.selection import Places, Selection


@dataclass(frozen=True)
class GatherAttrs:
    axis: int = 0
    batch_dims: int = 0


@register
class Gather(Selection):
    name = "GATHER"
    Attrs = GatherAttrs

    def places(self, attrs: GatherAttrs, shape: tuple[int, ...], indices: np.ndarray) -> tuple[Places, tuple[int, ...]]:
        require(attrs.batch_dims == 0, "a gather with batch dimensions cannot be computed")
        require(-len(shape) <= attrs.axis < len(shape), f"axis {attrs.axis} does not exist in {list(shape)}")
        axis = attrs.axis % len(shape)
        flat = indices.reshape(-1).astype(np.int64)
        low, high = int(flat.min(initial=0)), int(flat.max(initial=0))
        require(low >= 0 and high < shape[axis], f"indices {low} to {high} leave an axis of {shape[axis]}")
        places: Places = [None] * len(shape)
        places[axis] = flat
        return places, (*shape[:axis], *indices.shape, *shape[axis + 1 :])
