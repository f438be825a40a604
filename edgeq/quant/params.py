"""Scales and zero points from ranges."""

from __future__ import annotations

import numpy as np

from edgeq.ir import DType, QuantParams
from edgeq.quant.schemes import RoleScheme

# A range narrower than this has no useful scale: the reciprocal of a smaller one overflows float32.
SMALLEST_SCALE = 1e-30


def affine_params(low: float, high: float, role: RoleScheme) -> QuantParams:
    """Per-tensor parameters whose range covers [low, high] and contains 0 exactly.

    The range is widened to include 0, the scale rounded to float32, the zero point to the nearest integer (TFLite's
    quantization specification). A range of nothing but 0 has scale 1.
    """
    low, high = min(0.0, low), max(0.0, high)
    if role.symmetric:
        scale = np.float32(max(-low, high) / role.high)
        return QuantParams(scale if scale > SMALLEST_SCALE else 1.0, 0)
    scale = np.float32((high - low) / (role.high - role.low))
    if not scale > SMALLEST_SCALE:
        return QuantParams(1.0, 0)
    zero_point = int(np.floor(role.low - low / float(scale) + 0.5))
    return QuantParams(scale, min(max(zero_point, role.low), role.high))


def quantize_to(values: np.ndarray, params: QuantParams, role: RoleScheme) -> np.ndarray:
    """Integers of float values, nearest and saturated to the role's own range."""
    return np.clip(params.quantize(values, role.dtype), role.low, role.high).astype(role.dtype.numpy)


def symmetric_params(values: np.ndarray, dtype: DType, axis: int | None) -> QuantParams:
    """Scales such that the largest magnitude, of each channel along `axis` or of all, is the largest integer."""
    others = None if axis is None else tuple(a for a in range(values.ndim) if a != axis)
    largest = np.atleast_1d(np.abs(values.astype(np.float64)).max(axis=others, initial=0.0))
    scales = (largest / dtype.range[1]).astype(np.float32)
    scales = np.where(scales > SMALLEST_SCALE, scales, np.float32(1.0))
    return QuantParams(scales, np.zeros(scales.size), axis)


def symmetric_integers(values: np.ndarray, params: QuantParams, dtype: DType) -> np.ndarray:
    """Nearest integers, computed in double: float32 would not hold all of an int32."""
    shape = [1] * values.ndim
    if params.axis is not None:
        shape[params.axis] = -1
    scales = params.scale.astype(np.float64).reshape(shape) if params.axis is not None else float(params.scale[0])
    high = dtype.range[1]
    return np.clip(np.rint(values.astype(np.float64) / scales), -high, high).astype(dtype.numpy)
