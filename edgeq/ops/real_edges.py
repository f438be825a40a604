"""The edges of a graph where firmware takes or gives float32: QUANTIZE of an input, DEQUANTIZE of an output.

Nowhere else does a program compute in floating point, and there in IEEE single precision with each operation rounded to
nearest, so that every core and the simulator agree to the bit.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgeq.ir import DType, Tensor
from edgeq.ops.base import affine

# Beyond this magnitude every quotient saturates, whatever the zero point; below, it fits an int32.
_FAR = np.float32(1 << 17)


@dataclass(frozen=True)
class FromRealParams:
    """y = saturate(round(x / scale) + zero_point), ties away from zero (TFLite's AffineQuantize); y is the smallest
    integer where x is NaN.

    scale_bits: the bits of the float32 scale. integer_type: int8 or int16, with limits low and high.
    """

    size: int
    scale_bits: int
    zero_point: int
    low: int
    high: int
    integer_type: str

    @property
    def scale(self) -> np.float32:
        return _scale(self.scale_bits)


@dataclass(frozen=True)
class ToRealParams:
    """y = scale · (x − zero_point), one rounding to float32 (TFLite's Dequantize). Fields as in FromRealParams."""

    size: int
    scale_bits: int
    zero_point: int
    integer_type: str

    @property
    def scale(self) -> np.float32:
        return _scale(self.scale_bits)


def from_real(x: Tensor, y: Tensor, where: str) -> FromRealParams:
    """Raises QuantizationError unless `y` is int8 or int16 with one scale."""
    scale, zero_point = affine(y, where, y.dtype if y.dtype is DType.INT16 else DType.INT8)
    return FromRealParams(x.size, _bits(scale), zero_point, *y.dtype.range, y.dtype.value)


def to_real(x: Tensor, where: str) -> ToRealParams:
    """Raises QuantizationError unless `x` is int8 or int16 with one scale."""
    scale, zero_point = affine(x, where, x.dtype if x.dtype is DType.INT16 else DType.INT8, centred=False)
    return ToRealParams(x.size, _bits(scale), zero_point, x.dtype.value)


def quantized(p: FromRealParams, x: np.ndarray) -> np.ndarray:
    """The definition."""
    with np.errstate(over="ignore", invalid="ignore"):
        ratio = x / p.scale
    near = np.where(np.abs(ratio) < _FAR, ratio, np.float32(0)).astype(np.float64)
    rounded = np.sign(near) * np.floor(np.abs(near) + 0.5)
    y = np.clip(rounded + p.zero_point, p.low, p.high)
    y = np.where(ratio >= _FAR, p.high, np.where(ratio > -_FAR, y, p.low))
    return y.astype(DType(p.integer_type).numpy)


def dequantized(p: ToRealParams, x: np.ndarray) -> np.ndarray:
    """The definition."""
    return p.scale * (x.astype(np.int32) - p.zero_point).astype(np.float32)


def _bits(scale: float) -> int:
    return int(np.float32(scale).view(np.uint32))


def _scale(bits: int) -> np.float32:
    return np.uint32(bits).view(np.float32)
