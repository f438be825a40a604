"""Sums of drifting level through scales that follow: from a reset and from any state, up, down, and through silence."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from edgeq.ir import DType, State, Tensor
from edgeq.ops import Activation
from edgeq.ops.adaptive_quantize import STATE, UNSET, AdaptiveQuantizeAttrs

from ..blocks import block, meant, one_of_blocks, random_scales, range_of, real, scale
from ..graphs import VECTORS, Case, shape_of

STATES = True
#: Half a step.
BOUND = 0.5001


def cases(rng: np.random.Generator) -> Iterator[Case]:
    while True:
        for activation in Activation:
            yield _case(rng, activation)


def _case(rng: np.random.Generator, activation: Activation) -> Case:
    shape = shape_of(rng, int(rng.integers(1, 5)))
    operands = [Tensor("x", shape, DType.INT32), scale("s"), Tensor("r", STATE, DType.INT32)]
    results = [block("y", shape), range_of("t"), Tensor("r1", STATE, DType.INT32)]
    attrs = AdaptiveQuantizeAttrs(activation, patience=int(rng.integers(1, 4)))
    case = one_of_blocks(rng, "ADAPTIVE_QUANTIZE", operands, results, attrs)
    sums = case.inputs[0] >> rng.integers(0, 31, (VECTORS,) + (1,) * len(shape))
    level = UNSET if rng.random() < 0.4 else int(rng.integers(-12, 4))
    quiet = 0 if level == UNSET else int(rng.integers(0, attrs.patience))
    initial = np.array([level, quiet, level - rng.integers(1, 9) if quiet else 0, 0], np.int32)
    graph = case.graph.rewrite(inputs=("x", "s"), states=[State("r", "r1", initial)])
    return Case(case.op, graph, (sums.astype(np.int32), random_scales(rng, 2.0**-25)))


def distances(case: Case, found: list[np.ndarray]) -> list[float]:
    """In steps of the block, where nothing saturates; and the levels follow, as they are told to in plain words."""
    (node,) = case.graph.nodes
    y, ranges, states = found
    zero_point = -128 if node.attrs.activation.bounds[0] == 0.0 else 0
    low, high = (0, 255) if zero_point else (-127, 127)
    x = meant(*case.inputs)
    exact = np.clip(x, *node.attrs.activation.bounds)
    level, quiet, highest, _ = (int(part) for part in case.graph.states[0].initial)
    needs = [highest] * quiet
    errors = [0.45]
    for vector, values in enumerate(exact.reshape(len(exact), -1)):
        # a bound is rounded to a step of the sums: what it leaves is known where these are fine
        bounded = not np.array_equal(values, np.maximum(x[vector].ravel(), -np.inf if low else 0.0))
        if bounded and np.abs(node.attrs.activation.bounds[1]) < 1e4 * real(case.inputs[1][vector]):
            break
        peak = np.abs(values).max()
        need = _need(peak, high) if peak > 0 else None
        used = level if level != UNSET else need if need is not None else 0
        assert (real(ranges[vector]), ranges[vector, 2]) == (2.0**used, zero_point)
        steps = values / 2.0**used
        inside = (steps > low - 0.5) & (steps < high + 0.5)
        errors.append(np.abs(y[vector].ravel().astype(int) - zero_point - steps)[inside].max(initial=0.0))
        if need is None:
            pass
        elif need >= used:
            level, needs = need, []
        else:
            needs.append(need)
            level = used
            if len(needs) >= node.attrs.patience:
                level, needs = max(needs), []
        assert states[vector][0] == level, (vector, states, level)
        assert states[vector][1] == len(needs)
    return [float(max(errors))]


def _need(peak: float, largest: int) -> int:
    """The lowest level at which a magnitude rounds to no more than the largest integer."""
    level = int(np.floor(np.log2(peak / largest))) - 2
    while np.floor(peak / 2.0**level + 0.5) > largest:
        level += 1
    return level
