"""Requantization of each element by one of two factors, chosen by its sign: what rectifiers are in 16 bits."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgeq.errors import QuantizationError
from edgeq.fixedpoint import requantize, saturate
from edgeq.ir import DType, Tensor
from edgeq.ops.base import UNBOUNDED, interval_range

Factor = tuple[int, int]


@dataclass(frozen=True)
class RescaleParams:
    """y = clamp(requantize(x + input_offset) + output_offset), by `multiplier` and `shift` where x + input_offset is
    not negative, by the other two where it is. input_type, output_type: int8 or int16."""

    size: int
    input_type: str
    output_type: str
    input_offset: int
    multiplier: int
    shift: int
    negative_multiplier: int
    negative_shift: int
    output_offset: int
    activation_min: int
    activation_max: int


def rescaling(
    x: Tensor,
    y: Tensor,
    factor: Factor,
    negative: Factor | None = None,
    bounds: tuple[float, float] = UNBOUNDED,
) -> RescaleParams:
    """Parameters from both tensors' types and quantization and from (multiplier, shift), by default one for both signs;
    the result is limited to the real interval `bounds`."""
    _, zero_x = x.quant.per_tensor
    scale_y, zero_y = y.quant.per_tensor
    low, high = interval_range(bounds, scale_y, zero_y, y.dtype)
    below = factor if negative is None else negative
    return RescaleParams(x.size, x.dtype.value, y.dtype.value, -zero_x, *factor, *below, zero_y, low, high)


def checked(p: RescaleParams, where: str) -> RescaleParams:
    """The parameters; raises QuantizationError where an operand, shifted to the left by a factor above 1, may leave 32
    bits."""
    dtype = DType(p.input_type)
    if -dtype.range[0] + abs(p.input_offset) << max(0, p.shift, p.negative_shift) > 1 << 31:
        raise QuantizationError(
            f"requantizing {dtype.value} to a scale that is so much finer can overflow 32 bits",
            where=where,
            hint="give the result a larger scale",
        )
    return p


def rescale(p: RescaleParams, x: np.ndarray) -> np.ndarray:
    """The definition."""
    value = x.astype(np.int64) + p.input_offset
    above = requantize(value, p.multiplier, p.shift)
    below = requantize(value, p.negative_multiplier, p.negative_shift)
    y = np.where(value >= 0, above, below) + p.output_offset
    return saturate(y, p.activation_min, p.activation_max, DType(p.output_type).numpy.type)
