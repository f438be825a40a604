"""MAX_POOL_2D."""

from __future__ import annotations

import numpy as np

from edgeq.ir import DType
from edgeq.ops import register
from edgeq.ops.pooling import Pool, PoolAttrs, PoolParams, attrs_windows, params_windows


@register
class MaxPool2D(Pool):
    """out = clamp(max in) over the part of the window that lies in the image."""

    name = "MAX_POOL_2D"

    def evaluate(self, attrs: PoolAttrs, x: np.ndarray) -> tuple[np.ndarray, ...]:
        images = x.reshape((-1,) + x.shape[2:])
        y = np.clip(attrs_windows(attrs, images, -np.inf).max(axis=(3, 4)), *attrs.activation.bounds)
        return (y.astype(np.float32).reshape(x.shape[:2] + y.shape[1:]),)

    def simulate(self, p: PoolParams, x: np.ndarray) -> tuple[np.ndarray, ...]:
        images = x.reshape((-1,) + p.input_shape[1:])
        largest = params_windows(p, images, DType(p.dtype).range[0]).max(axis=(3, 4))
        y = np.clip(largest, p.activation_min, p.activation_max)
        return (y.reshape((x.shape[0],) + p.output_shape),)
