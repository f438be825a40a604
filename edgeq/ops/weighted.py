"""Weights, biases and multipliers of operators that accumulate products (convolutions, dense layers)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from edgeq.errors import QuantizationError
from edgeq.fixedpoint import INT32_MAX, int8_requantizer, quantize_multipliers, requantize, requantize_wide, saturate
from edgeq.ir import DType, Node, Tensor, frozen_array
from edgeq.ops.base import Activation, Lowered, Op, activation_range, activation_type, affine, check_accumulator
from edgeq.ops.exact import float_type, product_bound
from edgeq.ops.fine_weights import PlainWeights, fine_fields

#: Types of weights of convolutions and dense layers.
WEIGHT_TYPES = (DType.INT8, DType.INT4, DType.TERNARY, DType.BINARY)


@dataclass(frozen=True, eq=False, kw_only=True)
class WeightedParams(PlainWeights):
    """Integers of clamp(requantize(Σ w·(x + input_offset) + bias) + output_offset), whatever each sum goes over.

    weights: int8. bias: int32, one per channel; with dtype "int16" int32 or int64, and says how wide the accumulators
        are. multipliers, shifts: int32, one per channel.
    dtype: of the activations.
    weight_type: "int8"; or "int4", "ternary" or "binary" for weights that firmware keeps in 4, 2 bits or one bit each:
        the arithmetic is the same.
    """

    input_offset: int
    output_offset: int
    activation_min: int
    activation_max: int
    weights: np.ndarray
    bias: np.ndarray
    multipliers: np.ndarray
    shifts: np.ndarray
    dtype: str = "int8"
    weight_type: str = "int8"


def weighted_fields(
    op: Op,
    node: Node,
    operands: Sequence[Tensor | None],
    y: Tensor,
    *,
    axis: int,
    activation: Activation,
    narrow_alone: bool = False,
) -> dict[str, Any]:
    """The fields of `WeightedParams`, and those of `FineWeights` where the weights are finer than a scale per channel.

    Args:
        operands: input, weights, and a bias or none.
        axis: that of the weights' channels.
        narrow_alone: whether what has no bias is summed in 32 bits, also with int16 activations.

    Raises QuantizationError where types, scales or zero points are not what `op` computes with.
    """
    x, w, *rest = operands
    b = rest[0] if rest else None
    dtype = activation_type(op, node.loc, x, y)
    _, input_zero = affine(x, node.loc, dtype)
    output_scale, output_zero = affine(y, node.loc, dtype)
    checked = constant_weights if op.finer_weights else symmetric_weights
    weights = checked(w, node.loc, axis=axis, types=op.weight_types, activation=dtype)
    channels = w.shape[axis]
    multipliers, shifts = per_channel_multipliers(x, w, y, channels=channels)
    bias = integer_bias(b, channels, node.loc, dtype)
    if b is None and narrow_alone:
        bias = bias.astype(np.int32)
    low, high = activation_range(activation, output_scale, output_zero, dtype)
    fields = {
        "input_offset": -input_zero,
        "output_offset": output_zero,
        "activation_min": low,
        "activation_max": high,
        "weights": frozen_array(weights),
        "bias": frozen_array(bias),
        "multipliers": frozen_array(multipliers),
        "shifts": frozen_array(shifts),
        "dtype": dtype.value,
        "weight_type": w.dtype.value,
    }
    return fields if w.quant.is_plain else fields | fine_fields(w)


def lowered_sums(p: WeightedParams, x: Tensor, axes: tuple[int, ...], where: str) -> Lowered:
    """The layer with the proof that its accumulators suffice; `axes` of the weights are those that a sum goes over.
    Raises QuantizationError where they do not."""
    bound = accumulator_bound(p.magnitudes, p.bias, p.input_offset, axes, DType(p.dtype))
    bound = check_sum(bound, p.bias, p.multipliers, p.shifts, where)
    return Lowered(p, (x.name,), bound, 8 * p.bias.itemsize)


def exact_sums(
    p: WeightedParams, axes: tuple[int, ...], *, single: bool = False
) -> tuple[type, Callable[[np.ndarray], np.ndarray]]:
    """How `simulate` sums over those axes of the weights: (a float type in which every Σ w·(x + input_offset) is exact,
    what makes the layer's results of such sums (..., channels)). single: see `edgeq.fixedpoint.requantize`."""
    dtype = DType(p.dtype)
    exact = float_type(product_bound(p.factors, p.input_offset, axes, dtype))
    bound = accumulator_bound(p.factors, p.bias, p.input_offset, axes, dtype)
    return exact, rescaler(p, bound, single=single)


def constant_weights(
    w: Tensor,
    where: str,
    *,
    axis: int,
    types: tuple[DType, ...] = (DType.INT8,),
    activation: DType = DType.INT8,
) -> np.ndarray:
    """int8 array of weights, per tensor or per channel along `axis`, with zero points or blocks where activations are
    int8.

    Args:
        types: those that the operator knows. Weights narrower than int8 go with int8 activations only.

    Raises QuantizationError for weights computed at run time or quantized in another way.
    """
    if w.data is None:
        raise QuantizationError("the weights are computed at run time; constant weights are needed", where=where)
    if w.dtype not in types or w.quant is None:
        known = " or ".join(t.value for t in types)
        raise QuantizationError(f"the weights are {w.dtype.value}, quantized {known} is needed", where=where)
    if w.dtype.is_narrow and activation is not DType.INT8:
        raise QuantizationError(
            f"{w.dtype.value} weights need int8 activations, these are {activation.value}", where=where
        )
    if not w.quant.is_plain and activation is not DType.INT8:
        raise QuantizationError(
            f"weights with zero points or blocks need int8 activations, these are {activation.value}", where=where
        )
    if not w.quant.is_plain and w.dtype in (DType.TERNARY, DType.BINARY):
        raise QuantizationError(f"{w.dtype.value} weights have neither zero points nor blocks", where=where)
    low, high = w.dtype.range
    if np.any((w.quant.zero_point < low) | (w.quant.zero_point > high)):
        raise QuantizationError(f"a zero point of the weights is no {w.dtype.value}", where=where)
    if w.quant.axis not in (None, axis):
        raise QuantizationError(f"the weights are quantized along axis {w.quant.axis}, expected {axis}", where=where)
    return w.data


def symmetric_weights(
    w: Tensor, where: str, *, axis: int, types: tuple[DType, ...] = (DType.INT8,), activation: DType = DType.INT8
) -> np.ndarray:
    """`constant_weights` of operators that know neither zero points nor blocks; QuantizationError for these too."""
    data = constant_weights(w, where, axis=axis, types=types, activation=activation)
    if not w.quant.is_plain:
        what = "are in blocks" if w.quant.blocks is not None else "have a zero point other than 0"
        raise QuantizationError(f"the weights {what}", where=where)
    return data


def per_channel_multipliers(x: Tensor, w: Tensor, y: Tensor, *, channels: int) -> tuple[np.ndarray, np.ndarray]:
    """int32 (multipliers, shifts), one per channel, of input scale · weight scale / output scale.

    The products are of doubles made from the float32 scales, as in TFLite's PopulateConvolutionQuantizationParams.
    """
    scales = np.broadcast_to(w.quant.scale.astype(np.float64), (channels,))
    input_scale, _ = x.quant.per_tensor
    output_scale, _ = y.quant.per_tensor
    return quantize_multipliers(input_scale * scales / output_scale)


def integer_bias(b: Tensor | None, channels: int, where: str, dtype: DType = DType.INT8) -> np.ndarray:
    """Bias of a layer of that type, zeros where there is none: int32; with int16 activations also int64, which says
    that its accumulators are of 64 bits."""
    wide = dtype is DType.INT16
    if b is None:
        return np.zeros(channels, np.int64 if wide else np.int32)
    if b.data is None or b.dtype not in ((DType.INT32, DType.INT64) if wide else (DType.INT32,)):
        raise QuantizationError(f"the bias is {b.dtype.value}, a constant int32 is needed", where=where)
    return b.data


def accumulator_bound(
    weights: np.ndarray, bias: np.ndarray, input_offset: int, axes: tuple[int, ...], dtype: DType = DType.INT8
) -> int:
    """Largest magnitude of Σ w·(x + input_offset) + bias over all x of that type; `axes` are the summed ones."""
    return product_bound(weights, input_offset, axes, dtype) + int(np.abs(bias.astype(np.int64)).max(initial=0))


def check_sum(bound: int, bias: np.ndarray, multipliers: np.ndarray, shifts: np.ndarray, where: str) -> int:
    """`check_accumulator` for the width that the bias's type says; of 64 bits, requantization leaves 2^47 for the sum
    and 2^31 for its result."""
    if bias.dtype != np.int64:
        return check_accumulator(bound, shifts, where)
    largest = float(np.max(np.ldexp(multipliers.astype(np.float64), shifts - 31), initial=0.0)) * bound
    if bound >= 1 << 47 or largest >= INT32_MAX or int(np.max(shifts, initial=0)) > 7:
        raise QuantizationError(
            f"the 64-bit accumulator may reach {bound:,}, its requantized value {largest:,.0f}: beyond 2^47 or 2^31",
            where=where,
            hint="the result's scale is too small for its operands: calibrate with data that covers their range",
        )
    return bound


def rescaler(p: Any, bound: int, *, single: bool = False) -> Callable[[np.ndarray], np.ndarray]:
    """A function of accumulators (..., channels): clamp(requantize(acc + bias) + output_offset) in the type `p.dtype`.

    Args:
        p: parameters with dtype, bias (per channel), multipliers, shifts (one per channel or one in all),
            output_offset, activation_min and activation_max.
        bound: of `accumulator_bound`.
        single: see `edgeq.fixedpoint.requantize`.
    """
    if p.dtype == DType.INT16.value:
        return _rescaler_int16(p, single)
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


def _rescaler_int16(p: Any, single: bool) -> Callable[[np.ndarray], np.ndarray]:
    def finish(acc: np.ndarray) -> np.ndarray:
        total = acc.astype(np.int64) + p.bias
        if p.bias.dtype == np.int64:
            y = requantize_wide(total, p.multipliers, p.shifts)
        else:
            y = requantize(total, p.multipliers, p.shifts, single=single)
        return saturate(y + p.output_offset, p.activation_min, p.activation_max, np.int16)

    return finish
