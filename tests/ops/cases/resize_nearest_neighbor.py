"""Enlarging and reducing, all conventions of pixel centres."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from edgeq.ir import DType
from edgeq.ops.resize_nearest_neighbor import ResizeNearestNeighborAttrs

from ..graphs import Case, activation_input, constant, one_node, quant, shape_of
from ..one_op import options as table

WITHOUT_REFERENCE = (DType.INT32, DType.INT64, DType.BOOL)


def options(attrs: ResizeNearestNeighborAttrs) -> Any:
    return table(
        "ResizeNearestNeighborOptions", alignCorners=attrs.align_corners, halfPixelCenters=attrs.half_pixel_centers
    )


def cases(rng: np.random.Generator) -> Iterator[Case]:
    while True:
        for aligned, centred in ((False, False), (False, True), (True, False), (True, True)):
            n, h, w, c = shape_of(rng, 4)
            x = activation_input("x", (n, h + int(rng.integers(5)), w, c), quant(rng))
            size = constant("size", rng.integers(1, 17, 2).astype(np.int32))
            attrs = ResizeNearestNeighborAttrs(aligned, centred)
            yield one_node(rng, "RESIZE_NEAREST_NEIGHBOR", [x, size], x.quant, attrs)
