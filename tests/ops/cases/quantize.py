"""QUANTIZE of every int8 value, and of real numbers at the input of a graph."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from edgeq.ir import DType, QuantParams, Tensor
from edgeq.ops.lookup import LookupAttrs

from .. import formats
from ..graphs import Case
from ..lookups import cases_of
from ..one_op import options as table
from ..one_op import run_tflite, write_model


def cases(rng: np.random.Generator) -> Iterator[Case]:
    for case in cases_of("QUANTIZE")(rng):
        yield case
        yield _from_real(case, rng)


def _from_real(case: Case, rng: np.random.Generator) -> Case:
    """Whole and half steps of the result's scale, their neighbours, and numbers far beyond its range."""
    y = case.graph.tensors["y"]
    x = Tensor("x", y.shape, DType.FLOAT32)
    graph = replace(case.graph, tensors={"x": x, "y": y})
    return Case(case.op, graph, (_reals(y, case.inputs[0].shape, rng),))


def _reals(y: Tensor, shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    scale, zero_point = y.quant.per_tensor
    low, high = y.dtype.range
    steps = rng.integers(2 * (low - zero_point) - 9, 2 * (high - zero_point) + 9, shape)
    real = (steps * (scale / 2)).astype(np.float32)
    real = np.nextafter(
        real, rng.choice([-np.inf, np.inf], shape).astype(np.float32), where=rng.random(shape) < 0.5, out=real
    )
    far = rng.choice([-9e4, 9e4], shape) * scale
    return np.where(rng.random(shape) < 0.02, far, real).astype(np.float32)


def options(attrs: LookupAttrs) -> Any:
    return table("QuantizeOptions")


def in_int16(case: Case, rng: np.random.Generator) -> Case:
    """From int16 to int16, from int8 to int16, from int16 to int8."""
    wide = formats.in_int16(case, rng)
    if case.graph.tensors["x"].dtype is DType.FLOAT32:
        return replace(wide, inputs=(_reals(wide.graph.tensors["y"], wide.inputs[0].shape, rng),))
    kept = rng.choice(["x", "y", ""])
    if not kept:
        return wide
    graph = replace(wide.graph, tensors={**wide.graph.tensors, kept: case.graph.tensors[kept]})
    return Case(case.op, graph, case.inputs if kept == "x" else wide.inputs)


def expected(case: Case) -> list[np.ndarray] | None:
    """From int8 to int16, which TFLite lacks: its results for the same numbers held in int16."""
    x, y = case.graph.tensors["x"], case.graph.tensors["y"]
    if (x.dtype, y.dtype) != (DType.INT8, DType.INT16):
        return None
    wide = replace(x, dtype=DType.INT16, quant=QuantParams(x.quant.scale, [0]))
    numbers = case.inputs[0].astype(np.int16) - np.int16(x.quant.zero_point[0])
    graph = replace(case.graph, tensors={**case.graph.tensors, "x": wide})
    return run_tflite(write_model(graph, options), (numbers,))
