"""Rows of constant tables."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from edgeq.ir import DType, Tensor
from edgeq.ops.embedding_lookup import EmbeddingLookupAttrs

from ..graphs import Case, constant, int8_values, one_node, quant
from .gather import in_int16 as in_int16

# TFLite 2.14 copies a table's rows of these types only
WITHOUT_REFERENCE = (DType.INT16, DType.INT32, DType.INT64, DType.BOOL)


def options(attrs: EmbeddingLookupAttrs) -> Any:
    return None  # it has none


def cases(rng: np.random.Generator) -> Iterator[Case]:
    while True:
        for rows, row in ((7, (4,)), (100, (16,)), (1, (3, 2)), (13, (1,))):
            table = constant("table", int8_values(rng, (rows, *row)), quant(rng))
            indices = Tensor("indices", (int(rng.integers(1, 9)),), DType.INT32)
            case = one_node(rng, "EMBEDDING_LOOKUP", [indices, table], table.quant, EmbeddingLookupAttrs())
            yield Case(case.op, case.graph, tuple(x % rows for x in case.inputs))
