"""Log softmax over rows of many lengths, narrow and wide inputs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from edgeq.ir import QuantParams
from edgeq.ops.log_softmax import OUTPUT, LogSoftmaxAttrs

from ..graphs import Case, activation_input, one_node, quant
from ..one_op import options as table


def options(attrs: LogSoftmaxAttrs) -> Any:
    return table("LogSoftmaxOptions")


def cases(rng: np.random.Generator) -> Iterator[Case]:
    while True:
        for row in (10, 2, 1, 37, 700):
            for near in (0.05, 0.5, 0.002):
                shape = [(1, row), (3, row), (1, 2, 2, row)][rng.integers(3)]
                x = activation_input("x", shape, quant(rng, near))
                yield one_node(rng, "LOG_SOFTMAX", [x], QuantParams(*OUTPUT), LogSoftmaxAttrs())
