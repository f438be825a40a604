"""Softmax of attention scores, square and not, where no step sees those after it."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from edgeq.ir import DType, QuantParams
from edgeq.ops.softmax import OUTPUT, SoftmaxAttrs

from ..graphs import Case, activation_input, one_node, quant

#: Half a step, and the error of TFLite's exponential and reciprocal; of int16 that of its tables, for each of up to
#: nine exponentials.
BOUND = {DType.INT8: (0.6,), DType.INT16: (16.0,)}


def meaning(attrs: SoftmaxAttrs, x: np.ndarray) -> np.ndarray:
    y = np.zeros_like(x)
    for i in range(x.shape[-2]):
        e = np.exp(attrs.beta * x[..., i, : i + 1])
        y[..., i, : i + 1] = e / e.sum(axis=-1, keepdims=True)
    return y


def cases(rng: np.random.Generator) -> Iterator[Case]:
    while True:
        for shape in ((1, 2, 5, 5), (6, 4), (1, 3, 7), (2, 1, 9)):
            x = activation_input("x", shape, quant(rng, 0.03))
            yield one_node(rng, "CAUSAL_SOFTMAX", [x], QuantParams(*OUTPUT[DType.INT8]), SoftmaxAttrs())
