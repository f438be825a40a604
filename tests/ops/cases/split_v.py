"""Parts of given sizes along any axis, one of them left open or none."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from edgeq.ir import DType
from edgeq.ops.split_v import SplitVAttrs

from ..graphs import Case, activation_input, constant, one_node, quant, shape_of
from ..one_op import options as table

WITHOUT_REFERENCE = (DType.BOOL,)


def options(attrs: SplitVAttrs) -> Any:
    return table("SplitVOptions", numSplits=attrs.num_splits)


def cases(rng: np.random.Generator) -> Iterator[Case]:
    while True:
        for rank in (4, 3, 2, 1):
            sizes = rng.integers(1, 5, int(rng.integers(2, 5)))
            axis = int(rng.integers(-rank, rank))
            shape = list(shape_of(rng, rank))
            shape[axis] = int(sizes.sum())
            if rng.random() < 0.5:
                sizes[rng.integers(len(sizes))] = -1
            x = activation_input("x", shape, quant(rng))
            operands = [x, constant("sizes", sizes.astype(np.int32)), constant("axis", np.int32([axis]))]
            yield one_node(rng, "SPLIT_V", operands, x.quant, SplitVAttrs(len(sizes)))
