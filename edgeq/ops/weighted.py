"""Weights, biases and multipliers of operators that accumulate products (convolutions, dense layers)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from edgeq.errors import QuantizationError
from edgeq.fixedpoint import int8_requantizer, quantize_multipliers
from edgeq.ir import DType, Tensor
from edgeq.ops.exact import product_bound


def symmetric_weights(w: Tensor, where: str, *, axis: int) -> np.ndarray:
    """int8 weights with zero point 0, per tensor or per channel along `axis`.

    Raises QuantizationError for weights computed at run time or quantized in another way.
    """
    if w.data is None:
        raise QuantizationError("the weights are computed at run time; constant weights are needed", where=where)
    if w.dtype is not DType.INT8 or w.quant is None:
        raise QuantizationError(f"the weights are {w.dtype.value}, quantized int8 is needed", where=where)
    if np.any(w.quant.zero_point != 0):
        raise QuantizationError("the weights have a zero point other than 0", where=where)
    if w.quant.axis not in (None, axis):
        raise QuantizationError(f"the weights are quantized along axis {w.quant.axis}, expected {axis}", where=where)
    return w.data


def per_channel_multipliers(x: Tensor, w: Tensor, y: Tensor, *, channels: int) -> tuple[np.ndarray, np.ndarray]:
    """int32 (multipliers, shifts), one per channel, of input scale · weight scale / output scale.

    The products are of doubles made from the float32 scales, as in TFLite's PopulateConvolutionQuantizationParams.
    """
    scales = np.broadcast_to(w.quant.scale.astype(np.float64), (channels,))
    input_scale, _ = x.quant.per_tensor
    output_scale, _ = y.quant.per_tensor
    return quantize_multipliers(input_scale * scales / output_scale)


def integer_bias(b: Tensor | None, channels: int, where: str) -> np.ndarray:
    """int32 bias, zeros where there is none."""
    if b is None:
        return np.zeros(channels, np.int32)
    if b.data is None or b.dtype is not DType.INT32:
        raise QuantizationError(f"the bias is {b.dtype.value}, a constant int32 is needed", where=where)
    return b.data


def accumulator_bound(weights: np.ndarray, bias: np.ndarray, input_offset: int, axes: tuple[int, ...]) -> int:
    """Largest magnitude of Σ w·(x + input_offset) + bias over all int8 x; `axes` are the summed ones."""
    return product_bound(weights, input_offset, axes) + int(np.abs(bias.astype(np.int64)).max(initial=0))


def rescaler(p: Any, bound: int, *, single: bool = False) -> Callable[[np.ndarray], np.ndarray]:
    """A function of accumulators (..., channels): int8 clamp(requantize(acc + bias) + output_offset).

    Args:
        p: parameters with bias (per channel), multipliers, shifts (one per channel or one in all), output_offset,
            activation_min and activation_max.
        bound: of `accumulator_bound`.
        single: see `edgeq.fixedpoint.requantize`.
    """
    return int8_requantizer(
        p.bias,
        p.multipliers,
        p.shifts,
        p.output_offset,
        p.activation_min,
        p.activation_max,
        bound=bound,
        channels=p.bias.size,
        single=single,
    )
