"""Indices of several shapes, some beyond the new axis, which may stand anywhere. TFLite's interpreters have
no int16: what they make of int32 is the witness."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from edgeq.ir import DType, Tensor
from edgeq.ops.one_hot import OneHotAttrs

from ..graphs import Case, constant, int8_values, one_node, quant, shape_of
from ..one_op import options as table
from ..one_op import run_tflite, write_model
from . import gather

in_int16 = gather.in_int16


def options(attrs: OneHotAttrs) -> Any:
    return table("OneHotOptions", axis=attrs.axis)


def cases(rng: np.random.Generator) -> Iterator[Case]:
    while True:
        for rank in (2, 1, 3):
            common, depth = quant(rng), int(rng.integers(1, 6))
            indices = Tensor("indices", shape_of(rng, rank), rng.choice([DType.INT32, DType.INT64]))
            operands = [indices, constant("depth", np.int32(depth))]
            operands += [constant(name, int8_values(rng, ()), common) for name in ("on", "off")]
            case = one_node(rng, "ONE_HOT", operands, common, OneHotAttrs(int(rng.integers(-1, rank + 1))))
            yield Case(case.op, case.graph, tuple((a % (depth + 3) - 1).astype(a.dtype) for a in case.inputs))


def expected(case: Case) -> list[np.ndarray] | None:
    tensors = case.graph.tensors
    if tensors["y"].dtype is not DType.INT16:
        return None
    wide = {name: constant(name, tensors[name].data.astype(np.int32)) for name in ("on", "off")}
    wide["y"] = replace(tensors["y"], dtype=DType.INT32, quant=None)
    (y,) = run_tflite(write_model(replace(case.graph, tensors={**tensors, **wide}), options), case.inputs)
    return [y.astype(np.int16)]
