"""GELU: x · Φ(x), Φ the normal distribution function, or its approximation by tanh."""

import math
from dataclasses import dataclass

import numpy as np

from edgeq.ir import Tensor
from edgeq.ops import register
from edgeq.ops.lookup import Curve

_erf = np.vectorize(math.erf, otypes=[np.float64])


@dataclass(frozen=True)
class GeluAttrs:
    approximate: bool = False


@register
class Gelu(Curve):
    """Of int16 a kernel of LiteRT 2.x; TFLite 2.14 has int8 alone."""

    name = "GELU"
    Attrs = GeluAttrs
    wraps = True

    def function(self, attrs: GeluAttrs, x: np.ndarray, y: Tensor | None = None) -> np.ndarray:
        return _approximate(x) if attrs.approximate else _exact(x)


def _exact(x: np.ndarray) -> np.ndarray:
    wide = x.astype(np.float64)
    return (0.5 * wide * (1.0 + _erf(wide * math.sqrt(0.5)))).astype(np.float32)


def _approximate(x: np.ndarray) -> np.ndarray:
    wide = x.astype(np.float64)
    return (0.5 * wide * (1.0 + np.tanh(math.sqrt(2.0 / math.pi) * (wide + 0.044715 * wide**3)))).astype(np.float32)
