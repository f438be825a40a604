"""Every element of an axis a result."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from edgeq.ir import DType
from edgeq.ops.unpack import UnpackAttrs

from ..graphs import Case, activation_input, one_node, quant, shape_of
from ..one_op import options as table

WITHOUT_REFERENCE = (DType.INT64,)


def options(attrs: UnpackAttrs) -> Any:
    return table("UnpackOptions", num=attrs.num, axis=attrs.axis)


def cases(rng: np.random.Generator) -> Iterator[Case]:
    while True:
        for rank in (3, 4, 2, 1):
            x = activation_input("x", shape_of(rng, rank), quant(rng))
            axis = int(rng.integers(-rank, rank))
            yield one_node(rng, "UNPACK", [x], x.quant, UnpackAttrs(x.shape[axis], axis))
