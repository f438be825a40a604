"""Quotients, with and without broadcasting. No interpreter has the int8 kernel: TFLite's of uint8 is the witness."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from edgeq.ir import DType, QuantParams, Tensor
from edgeq.ops.broadcast import align
from edgeq.ops.pairwise import FusedPairwiseAttrs

from ..elementwise import cases_of as pairs
from ..graphs import Case
from ..one_op import TFLITE_ACTIVATION, run_tflite, write_model
from ..one_op import options as table


def options(attrs: FusedPairwiseAttrs) -> Any:
    return table("DivOptions", fusedActivationFunction=TFLITE_ACTIVATION[attrs.activation])


def cases(rng: np.random.Generator) -> Iterator[Case]:
    for case in pairs("DIV", FusedPairwiseAttrs, lambda a, b: float(a.quant.scale[0] / b.quant.scale[0]) / 30)(rng):
        tensors = dict(case.graph.tensors)
        zero = tensors["b"].quant.per_tensor[1]
        if tensors["b"].data is not None:
            tensors["b"] = replace(tensors["b"], data=_divisors(tensors["b"].data, zero))
        inputs = zip(case.graph.inputs, case.inputs, strict=True)
        yield Case(
            case.op,
            replace(case.graph, tensors=tensors),
            tuple(_divisors(x, zero) if name == "b" else x for name, x in inputs),
        )


def _divisors(x: np.ndarray, zero: int) -> np.ndarray:
    """TFLite divides neither by 0 nor by what uint8 stores as 0."""
    other = 100 if zero != 100 else 90
    return np.where((x == zero) | (x == -128), other, x).astype(np.int8)


def expected(case: Case) -> list[np.ndarray]:
    tensors = {name: _unsigned(t) for name, t in case.graph.tensors.items()}
    inputs = [(x.astype(np.int16) + 128).astype(np.uint8) for x in case.inputs]
    (y,) = run_tflite(write_model(replace(case.graph, tensors=tensors), options), inputs)
    return [
        np.where(_undefined(case), case.graph.tensors["y"].quant.per_tensor[1], y.astype(np.int16) - 128).astype(
            np.int8
        )
    ]


def _undefined(case: Case) -> np.ndarray:
    """Quotients far below half a step, which TFLite shifts by more bits than there are: 0 and little more."""
    values = dict(zip(case.graph.inputs, case.inputs, strict=True))
    tensors = case.graph.tensors
    rank = len(tensors["y"].shape)
    a, b = (
        align(values[n] if n in values else tensors[n].data[np.newaxis], rank) - float(tensors[n].quant.zero_point[0])
        for n in "ab"
    )
    _, shift = np.frexp(tensors["a"].quant.scale / (tensors["b"].quant.scale * tensors["y"].quant.scale))
    a = np.where(b < 0, -a, a)
    bits = np.frexp(np.where(a < 0, -a - 0.5, a))[1] - np.frexp(np.abs(b))[1]
    return (a == 0) | (bits + shift < -1)


def _unsigned(t: Tensor) -> Tensor:
    data = None if t.data is None else (t.data.astype(np.int16) + 128).astype(np.uint8)
    return Tensor(t.name, t.shape, DType.UINT8, QuantParams(t.quant.scale, t.quant.zero_point + 128), data)
