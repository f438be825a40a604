"""Cases of the operators that act on each element alone: all 256 int8 values go through each."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from edgeq.ir import QuantParams
from edgeq.ops.lookup import LookupAttrs

from .graphs import Case, activation_input, one_node, quant


def cases_of(
    op: str,
    fixed: tuple[float, int] | None = None,
    attrs: Callable[[np.random.Generator], Any] = lambda rng: LookupAttrs(),
    nears: tuple[float, ...] = (0.05, 0.005, 0.5),
) -> Callable[[np.random.Generator], Iterator[Case]]:
    """Random scales, small to large, with `fixed` (scale, zero point) of the result or random ones."""

    def cases(rng: np.random.Generator) -> Iterator[Case]:
        while True:
            for near in nears:
                x = activation_input("x", (1, 16, 16), quant(rng, near))
                output = QuantParams([fixed[0]], [fixed[1]]) if fixed else quant(rng, near)
                case = one_node(rng, op, [x], output, attrs(rng))
                every = np.arange(-128, 128, dtype=np.int8).reshape(1, 1, 16, 16)
                yield Case(case.op, case.graph, (every,))

    return cases


def interpolation_bounds(case: Case, real: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """How far each int16 result of a function by 513 entries may be off, in steps: what the chords of its interval and
    of those beside it miss of it (sampled, and cut off where results saturate, hence half as much again), its change
    over the two steps by which the last entry may stand off its place, and four roundings."""
    x, y = case.graph.tensors["x"], case.graph.tensors["y"]
    (values,) = case.inputs
    interval = (values.astype(np.int64) + (1 << 15)) >> 7
    missed = []
    for beside in (-1, 0, 1):
        start = np.clip(interval + beside, 0, 511) * 128.0 - 32768.0
        at = np.linspace(0, 1, 9)
        whole = [real(x.quant.scale[0] * (start + 128 * t)) / y.quant.scale[0] for t in at]
        samples = [np.clip(s, -32768, 32767) for s in whole]
        for along in (whole, samples):
            chords = [(1 - t) * along[0] + t * along[-1] for t in at]
            missed.append(np.max([np.abs(s - c) for s, c in zip(along, chords, strict=True)], axis=0))
        if beside == 0:
            slope = np.max(np.abs(np.diff(samples, axis=0)), axis=0) / 16
    return 2.0 + 1.5 * np.max(missed, axis=0) + 2 * slope
