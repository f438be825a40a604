"""Rows of many lengths; some of almost nothing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from edgeq.ir import QuantParams
from edgeq.ops.l2_normalization import OUTPUT, L2NormalizationAttrs

from ..graphs import Case, activation_input, one_node, quant
from ..one_op import options as table


def options(attrs: L2NormalizationAttrs) -> Any:
    return table("L2NormOptions")


def cases(rng: np.random.Generator) -> Iterator[Case]:
    while True:
        for row in (10, 2, 1, 37, 700):
            for spread in (128, 3):
                shape = [(1, row), (3, row), (1, 2, 2, row)][rng.integers(3)]
                x = activation_input("x", shape, quant(rng))
                case = one_node(rng, "L2_NORMALIZATION", [x], QuantParams(*OUTPUT), L2NormalizationAttrs())
                near = rng.integers(-spread, spread, case.inputs[0].shape) + x.quant.zero_point[0]
                yield Case(case.op, case.graph, (np.clip(near, -128, 127).astype(np.int8),))
