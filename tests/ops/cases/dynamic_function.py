"""Functions of blocks, at scales of any size."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from edgeq.ir import DType, Tensor
from edgeq.ops import find_op
from edgeq.ops.dynamic_function import DynamicFunctionAttrs
from edgeq.ops.function import FunctionAttrs
from edgeq.ops.gelu import GeluAttrs
from edgeq.ops.lookup import LookupAttrs

from ..blocks import block, meant, one_of_blocks, range_of, scale
from ..graphs import Case, shape_of

STEP = 2.0**-16
#: Steps beyond 2^-10 of the value: one where pieces are compared with the function, one elsewhere, half for rounding.
BOUND = 2.5
FUNCTIONS = (
    ("GELU", GeluAttrs(True)),
    ("ELU", LookupAttrs()),
    ("HARD_SWISH", LookupAttrs()),
    ("EXP", LookupAttrs()),
    ("RELU6", LookupAttrs()),
    ("FUNCTION", FunctionAttrs("softplus")),
    ("FUNCTION", FunctionAttrs("clip", (-1.0, 2.0))),
    ("FUNCTION", FunctionAttrs("hard_shrink", (0.5,))),
)


def cases(rng: np.random.Generator) -> Iterator[Case]:
    while True:
        for each in FUNCTIONS:
            shape = shape_of(rng, int(rng.integers(1, 5)))
            operands = [block("x", shape), range_of("x_range")]
            results = [Tensor("y", shape, DType.INT32), scale("y_scale")]
            yield one_of_blocks(rng, "DYNAMIC_FUNCTION", operands, results, DynamicFunctionAttrs(*each))


def distances(case: Case, found: list[np.ndarray]) -> list[float]:
    """In steps, from the function of the nearest fixed-point number."""
    (node,) = case.graph.nodes
    attrs: DynamicFunctionAttrs = node.attrs
    sums, of_sums = found
    v = np.clip(np.floor(meant(*case.inputs) / STEP + 0.5), -(2.0**31), 2.0**31 - 1)
    (exact,) = find_op(attrs.op).evaluate(attrs.attrs, (v * STEP).astype(np.float32))
    exact = np.clip(exact.astype(np.float64) / STEP, -(2.0**31), 2.0**31 - 1)
    errors = np.abs(meant(sums, of_sums) / STEP - exact)
    return [float((errors - np.abs(exact) / 1000).max())]
