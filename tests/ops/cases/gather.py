"""Constant indices of several shapes along any axis."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from edgeq.ops.gather import GatherAttrs

from ..graphs import Case, activation_input, constant, one_node, quant, shape_of
from ..one_op import options as table


def options(attrs: GatherAttrs) -> Any:
    return table("GatherOptions", axis=attrs.axis, batchDims=attrs.batch_dims)


def cases(rng: np.random.Generator) -> Iterator[Case]:
    while True:
        for rank in (4, 3, 2, 1):
            for shape in ((3,), (2, 2), ()):
                x = activation_input("x", shape_of(rng, rank), quant(rng))
                axis = int(rng.integers(-rank, rank))
                indices = constant("indices", np.asarray(rng.integers(0, x.shape[axis], shape), np.int32))
                yield one_node(rng, "GATHER", [x, indices], x.quant, GatherAttrs(axis))
