"""SQUEEZE: axes of size 1 dropped."""

from dataclasses import dataclass

import numpy as np

from edgeq.ir import Tensor
from edgeq.ops import register
from edgeq.ops.base import require
from edgeq.ops.reshape import Reshape


@dataclass(frozen=True)
class SqueezeAttrs:
    """axes: which ones, counted from either end; all where there are none."""

    axes: tuple[int, ...] = ()


@register
class Squeeze(Reshape):
    name = "SQUEEZE"
    Attrs = SqueezeAttrs

    def infer(self, attrs: SqueezeAttrs, x: Tensor) -> tuple[tuple[int, ...], ...]:
        return (_squeezed(attrs, x.shape),)

    def evaluate(self, attrs: SqueezeAttrs, x: np.ndarray) -> tuple[np.ndarray, ...]:
        return (x.reshape((x.shape[0], *_squeezed(attrs, x.shape[1:]))),)


def _squeezed(attrs: SqueezeAttrs, shape: tuple[int, ...]) -> tuple[int, ...]:
    rank = len(shape)
    require(all(-rank <= a < rank for a in attrs.axes), f"axes {list(attrs.axes)} do not exist in {list(shape)}")
    axes = {a % rank for a in attrs.axes} or {a for a, d in enumerate(shape) if d == 1}
    require(all(shape[a] == 1 for a in axes), f"axes {list(attrs.axes)} of {list(shape)} are not all of size 1")
    return tuple(d for a, d in enumerate(shape) if a not in axes)
