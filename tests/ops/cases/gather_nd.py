"""Constant and computed places of one to four indices."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from edgeq.ir import DType, Tensor
from edgeq.ops.gather_nd import GatherNdAttrs

from ..graphs import Case, activation_input, constant, int8_values, one_node, quant, shape_of
from ..one_op import options as table
from . import gather

LITERT_ONLY = (DType.BOOL,)

in_int16 = gather.in_int16


def options(attrs: GatherNdAttrs) -> Any:
    return table("GatherNdOptions")


def cases(rng: np.random.Generator) -> Iterator[Case]:
    while True:
        for rank in (4, 2, 3, 1):
            for lead in ((3,), (2, 2), ()):
                x = activation_input("x", shape_of(rng, rank), quant(rng))
                depth = int(rng.integers(1, rank + 1))
                places = rng.integers(0, x.shape[:depth], (*lead, depth))
                indices = constant("indices", places.astype(np.int32))
                yield one_node(rng, "GATHER_ND", [x, indices], x.quant, GatherNdAttrs())
                yield _computed(rng, x, (*lead, depth))


def _computed(rng: np.random.Generator, x: Tensor, shape: tuple[int, ...]) -> Case:
    if rng.random() < 0.5:
        x = constant("x", int8_values(rng, x.shape), x.quant)
    indices = Tensor("indices", shape, rng.choice([DType.INT32, DType.INT64]))
    case = one_node(rng, "GATHER_ND", [x, indices], x.quant, GatherNdAttrs())
    inputs = zip(case.graph.inputs, case.inputs, strict=True)
    sizes = np.array(x.shape[: shape[-1]])
    inside = ((a % sizes).astype(a.dtype) if name == "indices" else a for name, a in inputs)
    return Case(case.op, case.graph, tuple(inside))
