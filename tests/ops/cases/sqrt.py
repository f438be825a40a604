"""SQRT of every int8 value that is not below zero: TFLite is undefined at others."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from edgeq.ops.lookup import LookupAttrs

from ..graphs import Case
from ..in_float import in_float
from ..lookups import cases_of


def options(attrs: LookupAttrs) -> Any:
    return None  # TFLite has no options table for it


def cases(rng: np.random.Generator) -> Iterator[Case]:
    for case in cases_of("SQRT")(rng):
        zero = case.graph.tensors["x"].quant.per_tensor[1]
        yield Case(case.op, case.graph, tuple(np.maximum(x, zero).astype(np.int8) for x in case.inputs))


def expected(case: Case) -> list[np.ndarray]:
    return in_float(case, options)
