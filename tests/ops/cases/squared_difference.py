"""Squared differences, with and without broadcasting. Of int16 only TFLite Micro has them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from edgeq.ir import DType
from edgeq.ops.pairwise import PairwiseAttrs

from ..elementwise import operand_pairs
from ..graphs import Case, one_node, quant
from ..one_op import options as table
from ..one_op import run_micro, write_model


def options(attrs: PairwiseAttrs) -> Any:
    return table("SquaredDifferenceOptions")


def cases(rng: np.random.Generator) -> Iterator[Case]:
    while True:
        first, second = quant(rng), quant(rng)
        for operands in operand_pairs(rng, first, second):
            output = quant(rng, 127 * float(max(first.scale[0], second.scale[0])) ** 2)
            yield one_node(rng, "SQUARED_DIFFERENCE", operands, output, PairwiseAttrs())


def expected(case: Case) -> list[np.ndarray] | None:
    if case.graph.tensors["y"].dtype is not DType.INT16:
        return None
    return run_micro(write_model(case.graph, options), case.inputs)
