"""Softmax over rows of many lengths, narrow and wide inputs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from edgeq.ir import DType, QuantParams
from edgeq.ops.softmax import MAX_ROW, OUTPUT, SoftmaxAttrs

from ..graphs import Case, activation_input, one_node, quant
from ..one_op import options as table


def options(attrs: SoftmaxAttrs) -> Any:
    return table("SoftmaxOptions", beta=attrs.beta)


def cases(rng: np.random.Generator) -> Iterator[Case]:
    output = QuantParams(*OUTPUT[DType.INT8])
    while True:
        for row in (10, 2, 1, 37, MAX_ROW[DType.INT8]):
            for near in (0.05, 0.5, 0.0005):
                shape = [(1, row), (3, row), (1, 2, 2, row)][rng.integers(3)]
                beta = float(rng.choice([1.0, 1.0, 0.37, 3.0]))
                x = activation_input("x", shape, quant(rng, near))
                yield one_node(rng, "SOFTMAX", [x], output, SoftmaxAttrs(beta))
                if rng.random() < 0.4:  # from int8 to int16
                    fine = QuantParams([1 / 65536], [-32768])
                    yield one_node(rng, "SOFTMAX", [x], fine, SoftmaxAttrs(beta), DType.INT16)
