"""RSQRT of every int8 value that is not below zero, and of int16: TFLite aborts at others."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from edgeq.ir import DType, QuantParams
from edgeq.ops.lookup import LookupAttrs

from .. import formats
from ..graphs import Case, activation_input, one_node, quant, scale

LITERT_ONLY = (DType.INT16,)


def options(attrs: LookupAttrs) -> Any:
    return None


def cases(rng: np.random.Generator) -> Iterator[Case]:
    while True:
        for zero in (-128, -128, 0, 100, int(rng.integers(-128, 127))):
            near = float(rng.choice([0.05, 0.005, 0.5]))
            x = activation_input("x", (1, 16, 16), QuantParams([scale(rng, near)], [zero]))
            output = quant(rng, 0.02 / np.sqrt(near))
            case = one_node(rng, "RSQRT", [x], output, LookupAttrs())
            every = np.maximum(np.arange(-128, 128), zero).astype(np.int8).reshape(1, 1, 16, 16)
            yield Case(case.op, case.graph, (every,))


def in_int16(case: Case, rng: np.random.Generator) -> Case:
    wide = formats.in_int16(case, rng)
    return Case(wide.op, wide.graph, tuple(np.maximum(x, 0) for x in wide.inputs))
