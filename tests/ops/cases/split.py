"""Equal parts along any axis."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from edgeq.ir import DType
from edgeq.ops.split import SplitAttrs

from ..graphs import Case, activation_input, constant, one_node, quant, shape_of
from ..one_op import options as table

WITHOUT_REFERENCE = (DType.INT64, DType.BOOL)


def options(attrs: SplitAttrs) -> Any:
    return table("SplitOptions", numSplits=attrs.num_splits)


def cases(rng: np.random.Generator) -> Iterator[Case]:
    while True:
        for rank in (4, 3, 2, 1):
            count = int(rng.integers(2, 5))
            axis = int(rng.integers(-rank, rank))
            shape = list(shape_of(rng, rank))
            shape[axis] *= count
            x = activation_input("x", shape, quant(rng))
            yield one_node(rng, "SPLIT", [constant("axis", np.int32([axis])), x], x.quant, SplitAttrs(count))
