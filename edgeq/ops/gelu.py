"""GELU: x · Φ(x), Φ the normal distribution function, or its approximation by tanh."""

import math
from dataclasses import dataclass

import numpy as np

from edgeq.ir import Tensor
from edgeq.ops import register
from edgeq.ops.lookup import Curve

_erfc = np.vectorize(math.erfc, otypes=[np.float64])


@dataclass(frozen=True)
class GeluAttrs:
    approximate: bool = False


@register
class Gelu(Curve):
    """LiteRT 2.x has it of int16 too. Its table comes from the C library's float32 functions, which are not rounded to
    nearest throughout: a few results differ by one from those here, which are."""

    name = "GELU"
    Attrs = GeluAttrs
    wraps = True

    def function(self, attrs: GeluAttrs, x: np.ndarray, y: Tensor | None = None) -> np.ndarray:
        return _approximate(x) if attrs.approximate else _exact(x)


def _exact(x: np.ndarray) -> np.ndarray:
    complement = _erfc((x * np.float32(-math.sqrt(0.5))).astype(np.float64)).astype(np.float32)
    return np.float32(0.5) * x * complement


def _approximate(x: np.ndarray) -> np.ndarray:
    argument = np.float32(math.sqrt(2.0 / math.pi)) * (x + np.float32(0.044715) * x * x * x)
    return np.float32(0.5) * x * (np.float32(1) + np.tanh(argument.astype(np.float64)).astype(np.float32))
