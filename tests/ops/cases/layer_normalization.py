"""Layer normalizations of rows of any length, with and without the mean; flat rows, and an epsilon that dominates."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from edgeq.ir import DType, QuantParams, Tensor
from edgeq.ops.layer_normalization import LayerNormalizationAttrs

from ..graphs import Case, activation_input, constant, one_node, quant

#: Half a step, and what the definition allows beyond: gamma is up to 10^5 steps of int16.
BOUND = {DType.INT8: (0.51,), DType.INT16: (0.6,)}


def meaning(attrs: LayerNormalizationAttrs, x: np.ndarray, gamma: np.ndarray, beta: np.ndarray) -> np.ndarray:
    rows = x.reshape(*x.shape[: x.ndim - attrs.axes], -1)
    if attrs.centre:
        rows = rows - rows.mean(axis=-1, keepdims=True)
    power = (rows * rows).mean(axis=-1, keepdims=True)
    return (rows / np.sqrt(power + attrs.epsilon) * gamma.reshape(-1) + beta.reshape(-1)).reshape(x.shape)


def cases(rng: np.random.Generator) -> Iterator[Case]:
    while True:
        for axes, shape in ((1, (2, 3, 8)), (1, (1, 40)), (2, (1, 2, 3, 5)), (1, (4, 1)), (3, (2, 3, 3))):
            for centre in (True, False):
                yield _case(rng, axes, shape, centre)


def _case(rng: np.random.Generator, axes: int, shape: tuple[int, ...], centre: bool) -> Case:
    x = activation_input("x", shape, quant(rng))
    trailing = shape[len(shape) - axes :]
    gamma = _constant(rng, "gamma", rng.normal(0.3, 1.0, trailing if rng.random() < 0.8 else (1,)))
    beta = _constant(rng, "beta", rng.normal(0.0, 0.5, gamma.shape))
    attrs = LayerNormalizationAttrs(axes, centre, float(rng.choice([1e-3, 1e-6, 1.0, 100.0])))
    case = one_node(rng, "LAYER_NORMALIZATION", [x, gamma, beta], quant(rng, 0.03), attrs)
    flat, low = case.inputs[0].copy(), int(rng.integers(-128, 127))
    flat[0] = low  # no variance
    flat[1] = rng.integers(low, low + 2, flat[1].shape)  # nearly none
    return Case(case.op, case.graph, (flat,))


def _constant(rng: np.random.Generator, name: str, values: np.ndarray) -> Tensor:
    scale = float(np.float32(max(np.abs(values).max(), 1e-3) / (1 << 31)))
    integers = np.clip(np.rint(values / scale), -(2**31) + 1, 2**31 - 1).astype(np.int32)
    return constant(name, integers, QuantParams([scale], [0]))
