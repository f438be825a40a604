"""STRIDED_SLICE: Python's slicing. Operands: the data, and begin, end and stride by position (constants)."""

from dataclasses import dataclass

import numpy as np

from edgeq.ops import register
from edgeq.ops.base import require
from edgeq.ops.movement import Movement, Piece, integers, whole


@dataclass(frozen=True)
class StridedSliceAttrs:
    """Bit i of a mask is about position i. begin, end: ignored, the slice is open there. ellipsis: `...` stands there.
    new_axis: an axis of size 1 is put in. shrink_axis: the one element at begin, its axis is dropped. offset: end
    counts from begin."""

    begin_mask: int = 0
    end_mask: int = 0
    ellipsis_mask: int = 0
    new_axis_mask: int = 0
    shrink_axis_mask: int = 0
    offset: bool = False


@register
class StridedSlice(Movement):
    name = "STRIDED_SLICE"
    Attrs = StridedSliceAttrs
    count = 4

    def pieces(
        self, attrs: StridedSliceAttrs, x: np.ndarray, begin: np.ndarray, end: np.ndarray, stride: np.ndarray
    ) -> list[Piece]:
        key: list = []
        for position, (start, stop, step) in enumerate(
            zip(integers(begin), integers(end), integers(stride), strict=True)
        ):
            bit = 1 << position
            if attrs.ellipsis_mask & bit:
                key.append(Ellipsis)
            elif attrs.new_axis_mask & bit:
                key.append(None)
            elif attrs.shrink_axis_mask & bit:
                require(step > 0, "an axis that is dropped needs a positive stride")
                key.append(start)
            else:
                stop = stop + start if attrs.offset else stop
                first, last = attrs.begin_mask & bit, attrs.end_mask & bit
                key.append(slice(None if first else start, None if last else stop, step))
        if not attrs.ellipsis_mask:
            key.append(Ellipsis)  # a view also where every axis is dropped, not a number
        return [whole(x[tuple(key)])]
