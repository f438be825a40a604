"""QUANTIZE of every int8 value."""

from dataclasses import replace
from typing import Any

import numpy as np

from edgeq.ir import DType, QuantParams
from edgeq.ops.lookup import LookupAttrs

from .. import formats
from ..graphs import Case
from ..lookups import cases_of
from ..one_op import options as table
from ..one_op import run_tflite, write_model

cases = cases_of("QUANTIZE")


def options(attrs: LookupAttrs) -> Any:
    return table("QuantizeOptions")


def in_int16(case: Case, rng: np.random.Generator) -> Case:
    """From int16 to int16, from int8 to int16, from int16 to int8."""
    wide = formats.in_int16(case, rng)
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
