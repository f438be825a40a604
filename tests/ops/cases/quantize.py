"""QUANTIZE of every int8 value, and of real numbers at the input of a graph."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from edgeq.ir import DType, QuantParams, Tensor
from edgeq.ops.lookup import LookupAttrs

from .. import formats
from ..graphs import Case, random_values
from ..lookups import cases_of
from ..one_op import options as table
from ..one_op import run_tflite, write_model

_WITH_INT32 = ((DType.INT32, DType.INT8), (DType.INT32, DType.INT16), (DType.INT16, DType.INT32))


def cases(rng: np.random.Generator) -> Iterator[Case]:
    for case in cases_of("QUANTIZE")(rng):
        yield case
        yield _from_real(case, rng)
        for types in _WITH_INT32:
            yield _with_int32(case, rng, *types)


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


def _with_int32(case: Case, rng: np.random.Generator, operand: DType, result: DType) -> Case:
    """One side in int32: an operand of a much finer scale, or a result of a finer one."""
    finer = 2.0 ** -rng.uniform(*((20, 24) if operand is DType.INT32 else (0, 13)))
    x, y = case.graph.tensors["x"], case.graph.tensors["y"]
    if operand is DType.INT32:
        quant = y.quant if result is DType.INT8 else QuantParams(y.quant.scale / 256, [0])
        y = replace(y, dtype=result, quant=quant)
        x = replace(x, dtype=operand, quant=QuantParams(y.quant.scale * np.float32(finer), [0]))
    else:
        x = replace(x, dtype=operand, quant=QuantParams(x.quant.scale / 256, [0]))
        y = replace(y, dtype=result, quant=QuantParams(x.quant.scale * np.float32(finer), [0]))
    graph = replace(case.graph, tensors={"x": x, "y": y})
    return Case(case.op, graph, (random_values(rng, case.inputs[0].shape, operand),))


def options(attrs: LookupAttrs) -> Any:
    return table("QuantizeOptions")


def in_int16(case: Case, rng: np.random.Generator) -> Case:
    """From int16 to int16, and where the case has an int32 operand from int16 to int8 and from int8 to int16."""
    x, y = case.graph.tensors["x"], case.graph.tensors["y"]
    if y.dtype is DType.INT32:
        return case
    if x.dtype is DType.INT32:
        other, ratio = (DType.INT16, 1 / 200) if y.dtype is DType.INT8 else (DType.INT8, 200)
        zero = int(rng.integers(-128, 128)) if other is DType.INT8 else 0
        x = replace(x, dtype=other, quant=QuantParams(y.quant.scale * np.float32(ratio * rng.uniform(0.5, 2)), [zero]))
        graph = replace(case.graph, tensors={"x": x, "y": y})
        return Case(case.op, graph, (random_values(rng, case.inputs[0].shape, other),))
    wide = formats.in_int16(case, rng)
    if x.dtype is DType.FLOAT32:
        return replace(wide, inputs=(_reals(wide.graph.tensors["y"], wide.inputs[0].shape, rng),))
    return wide


def expected(case: Case) -> list[np.ndarray] | None:
    """From int8 to int16, which TFLite lacks: its results for the same numbers held in int16."""
    x, y = case.graph.tensors["x"], case.graph.tensors["y"]
    if (x.dtype, y.dtype) != (DType.INT8, DType.INT16):
        return None
    wide = replace(x, dtype=DType.INT16, quant=QuantParams(x.quant.scale, [0]))
    numbers = case.inputs[0].astype(np.int16) - np.int16(x.quant.zero_point[0])
    graph = replace(case.graph, tensors={**case.graph.tensors, "x": wide})
    return run_tflite(write_model(graph, options), (numbers,))
