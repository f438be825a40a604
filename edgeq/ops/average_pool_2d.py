"""AVERAGE_POOL_2D."""

from __future__ import annotations

import numpy as np

from edgeq.ir import DType
from edgeq.ops import register
from edgeq.ops.pooling import Pool, PoolAttrs, PoolParams, attrs_windows, params_windows


@register
class AveragePool2D(Pool):
    """out = clamp(Σ in / count), ties away from zero; count: elements of the window that lie in the image."""

    name = "AVERAGE_POOL_2D"

    def accumulator_bound(self, p: PoolParams) -> int:
        # half a count is added before the division
        taps = p.kernel[0] * p.kernel[1]
        return -DType(p.dtype).range[0] * taps + taps // 2

    def evaluate(self, attrs: PoolAttrs, x: np.ndarray) -> tuple[np.ndarray, ...]:
        images = x.reshape((-1,) + x.shape[2:])
        total = attrs_windows(attrs, images, 0.0).sum(axis=(3, 4))
        count = attrs_windows(attrs, np.ones((1,) + images.shape[1:3] + (1,), np.float32), 0.0).sum(axis=(3, 4))
        y = np.clip(total / count, *attrs.activation.bounds).astype(np.float32)
        return (y.reshape(x.shape[:2] + y.shape[1:]),)

    def simulate(self, p: PoolParams, x: np.ndarray) -> tuple[np.ndarray, ...]:
        images = x.reshape((-1,) + p.input_shape[1:])
        total = params_windows(p, images, 0).sum(axis=(3, 4), dtype=np.int32)
        ones = np.ones((1,) + p.input_shape[1:3] + (1,), np.int8)
        count = params_windows(p, ones, 0).sum(axis=(3, 4), dtype=np.int32)
        mean = np.sign(total) * ((np.abs(total) + count // 2) // count)
        y = np.clip(mean, p.activation_min, p.activation_max).astype(x.dtype)
        return (y.reshape((x.shape[0],) + p.output_shape),)
