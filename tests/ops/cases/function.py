"""Every function of every int8 value, and of int16."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from edgeq.ops.function import FUNCTIONS, FunctionAttrs

from ..graphs import Case
from ..lookups import cases_of, interpolation_bounds

#: Half a step, and float32's rounding of the real result.
BOUND = 0.5001

_PARAMETERS = {
    "celu": (0.7,),
    "clip": (-1.3, 2.1),
    "elu": (0.4,),
    "hard_shrink": (0.51,),
    "power": (3.0,),
    "relu": (0.1, 3.3, 0.7),
    "soft_shrink": (0.5,),
    "squareplus": (4.0,),
    "threshold": (0.3, -0.9),
}


def _one(name: str, p: tuple[float, ...], x: float) -> float:
    """As Keras' documentation defines it."""
    e = math.exp
    return {
        "celu": lambda: max(0, x) + min(0, p[0] * (e(min(x, 0) / p[0]) - 1)),
        "clip": lambda: min(max(x, p[0]), p[1]),
        "elu": lambda: x if x > 0 else p[0] * (e(x) - 1),
        "hard_shrink": lambda: x if x > p[0] or x < -p[0] else 0,
        "log_sigmoid": lambda: -math.log(1 + e(-x)),
        "mish": lambda: x * (1 - 2 / ((1 + e(x)) ** 2 + 1)),
        "power": lambda: x * x * x,
        "relu": lambda: p[1] if x >= p[1] else x if x >= p[2] else p[0] * (x - p[2]),
        "selu": lambda: 1.05070098 * (x if x > 0 else 1.67326324 * (e(x) - 1)),
        "soft_shrink": lambda: x - p[0] if x > p[0] else x + p[0] if x < -p[0] else 0,
        "softplus": lambda: math.log(e(x) + 1),
        "softsign": lambda: x / (abs(x) + 1),
        "sparse_plus": lambda: 0 if x <= -1 else x if x >= 1 else (x + 1) ** 2 / 4,
        "sparse_sigmoid": lambda: 0 if x <= -1 else 1 if x >= 1 else (x + 1) / 2,
        "squareplus": lambda: (x + math.sqrt(x * x + p[0])) / 2,
        "tanh_shrink": lambda: x - (e(2 * x) - 1) / (e(2 * x) + 1),
        "threshold": lambda: x if x > p[0] else p[1],
    }[name]()


def meaning(attrs: FunctionAttrs, x: np.ndarray) -> np.ndarray:
    return np.array([_one(attrs.name, attrs.parameters, float(v)) for v in x.ravel()]).reshape(x.shape)


def bounds(case: Case) -> tuple[np.ndarray, ...]:
    return (interpolation_bounds(case, lambda x: meaning(case.graph.nodes[0].attrs, x)),)


def cases(rng: np.random.Generator) -> Iterator[Case]:
    makers = [
        cases_of("FUNCTION", attrs=lambda rng, n=name: FunctionAttrs(n, _PARAMETERS.get(n, ())), nears=(0.03,))(rng)
        for name in sorted(FUNCTIONS)
    ]
    # neighbours in the alphabet are alike: few cases should see all kinds
    while True:
        for start in range(4):
            for maker in makers[start::4]:
                yield next(maker)
