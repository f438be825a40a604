"""Sums of any magnitude, none at all among them, to blocks; with bounds far below, within and far above the sums."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from edgeq.ir import DType, Tensor
from edgeq.ops import Activation
from edgeq.ops.dynamic_quantize import DynamicQuantizeAttrs

from ..blocks import block, meant, one_of_blocks, random_scales, range_of, real, scale, spread
from ..graphs import VECTORS, Case, shape_of

#: Half a step, and another one for the zero point, which is rounded to a step.
BOUND = 1.0001


def cases(rng: np.random.Generator) -> Iterator[Case]:
    while True:
        for activation in Activation:
            for symmetric in (False, True):
                yield _case(rng, DynamicQuantizeAttrs(activation, symmetric))


def _case(rng: np.random.Generator, attrs: DynamicQuantizeAttrs) -> Case:
    shape = shape_of(rng, int(rng.integers(1, 5)))
    operands = [Tensor("x", shape, DType.INT32), scale("s")]
    case = one_of_blocks(rng, "DYNAMIC_QUANTIZE", operands, [block("y", shape), range_of("r")], attrs)
    sums = case.inputs[0] >> rng.integers(0, 31, (VECTORS,) + (1,) * len(shape))
    if rng.random() < 0.3:
        sums = np.abs(sums)
    return Case(case.op, case.graph, (sums.astype(np.int32), random_scales(rng, 2.0**-25)))


def distances(case: Case, found: list[np.ndarray]) -> list[float]:
    """In steps of the block; nearly all of int8 is used wherever anything is left, and 0 is an integer of its own."""
    (node,) = case.graph.nodes
    y, ranges = found
    x = meant(*case.inputs)
    exact = np.clip(x, *node.attrs.activation.bounds)
    errors = np.abs(meant(y, ranges) - exact) / spread(ranges, y)
    assert np.all(errors[x == 0] == 0)
    largest = [0.45]
    for vector, values in enumerate(exact):
        # a bound is rounded to a step of the sums: what it leaves is known where these are fine
        peak = np.abs(values).max() / real(case.inputs[1][vector])
        if peak < 1 or (peak < 1e4 and np.any(values != x[vector])):
            continue
        largest.append(errors[vector].max())
        zero = int(ranges[vector, 2])
        integers = y[vector].astype(int)
        one_sided = node.attrs.activation.bounds[0] == 0.0
        if node.attrs.symmetric and not one_sided:
            assert zero == 0
            assert np.abs(integers).max() == 127
        else:
            assert zero == -128 or not one_sided
            assert max(integers.max(), zero) - min(integers.min(), zero) >= 254
    return [float(max(largest))]
