"""Constant and computed indices of several shapes along any axis, into constants and others."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from edgeq.ir import DType, Tensor
from edgeq.ops.gather import GatherAttrs

from ..formats import in_int16 as widened
from ..graphs import Case, activation_input, constant, int8_values, one_node, quant, shape_of
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
                yield _computed(rng, x, axis, shape)


def _computed(rng: np.random.Generator, x: Tensor, axis: int, shape: tuple[int, ...]) -> Case:
    if rng.random() < 0.5:
        x = constant("x", int8_values(rng, x.shape), x.quant)
    indices = Tensor("indices", shape, rng.choice([DType.INT32, DType.INT64]))
    case = one_node(rng, "GATHER", [x, indices], x.quant, GatherAttrs(axis))
    inputs = zip(case.graph.inputs, case.inputs, strict=True)
    return Case(case.op, case.graph, tuple(a % x.shape[axis] if name == "indices" else a for name, a in inputs))


def in_int16(case: Case, rng: np.random.Generator) -> Case:
    """Inputs of plain integers, which are indices, stay."""
    wide = widened(case, rng)
    of = dict(zip(case.graph.inputs, zip(case.inputs, wide.inputs, strict=True), strict=True))
    tensors = case.graph.tensors
    return Case(case.op, wide.graph, tuple(a if tensors[name].quant is None else b for name, (a, b) in of.items()))
