"""Slices forwards and backwards, open, dropping axes and adding them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from edgeq.ops.strided_slice import StridedSliceAttrs

from ..graphs import Case, activation_input, constant, one_node, quant, shape_of
from ..one_op import options as table


def options(attrs: StridedSliceAttrs) -> Any:
    return table(
        "StridedSliceOptions",
        beginMask=attrs.begin_mask,
        endMask=attrs.end_mask,
        ellipsisMask=attrs.ellipsis_mask,
        newAxisMask=attrs.new_axis_mask,
        shrinkAxisMask=attrs.shrink_axis_mask,
        offset=attrs.offset,
    )


def cases(rng: np.random.Generator) -> Iterator[Case]:
    while True:
        for rank in (4, 3, 2, 1):
            for attrs, positions in (
                (StridedSliceAttrs(), rank),
                (StridedSliceAttrs(begin_mask=int(rng.integers(16)), end_mask=int(rng.integers(16))), rank),
                (StridedSliceAttrs(shrink_axis_mask=1 << int(rng.integers(rank))), rank),
                (StridedSliceAttrs(ellipsis_mask=1), 2 if rank > 1 else 1),
                (StridedSliceAttrs(new_axis_mask=1), 2),
            ):
                x = activation_input("x", tuple(d + 2 for d in shape_of(rng, rank)), quant(rng))
                # begin and end within the smallest axis of 3; a shrinking axis needs a positive stride
                begin = rng.integers(0, 2, positions)
                end = begin + rng.integers(1, 5, positions)
                step = rng.integers(1, 3, positions)
                if not attrs.shrink_axis_mask and rng.random() < 0.5:
                    begin, end, step = end, begin - 1, -step
                    end[end < 0] = -100
                if rng.random() < 0.3 and not attrs.shrink_axis_mask and step[0] > 0:
                    begin = begin - 3  # from the end
                    end[:] = 100
                operands = [x, *(constant(n, v.astype(np.int32)) for n, v in (("b", begin), ("e", end), ("s", step)))]
                yield one_node(rng, "STRIDED_SLICE", operands, x.quant, attrs)
