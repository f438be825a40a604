"""Quantized weights and biases of layers that accumulate products."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from edgeq.errors import QuantizationError
from edgeq.ir import DType, QuantParams
from edgeq.ops import find_op
from edgeq.quant.blocks import block_params
from edgeq.quant.params import SMALLEST_SCALE, quantize_to
from edgeq.quant.schemes import Granularity, RoleScheme

Chooser = Callable[[np.ndarray, RoleScheme], np.ndarray]
_CHOOSERS: dict[str, Chooser] = {}


def chooser(name: str) -> Callable[[Chooser], Chooser]:
    """Function decorator: (rows, role) → the largest magnitude that each row's integers shall reach.

    rows: float64 (channels, weights of one).
    """

    def add(function: Chooser) -> Chooser:
        _CHOOSERS[name] = function
        return function

    return add


def find_chooser(name: str) -> Chooser:
    """The function of that name; raises QuantizationError for an unknown one."""
    if name not in _CHOOSERS:
        raise QuantizationError(
            f"unknown algorithm for weights: {name!r}", hint=f"known: {', '.join(sorted(_CHOOSERS))}"
        )
    return _CHOOSERS[name]


@chooser("abs-max")
def abs_max(rows: np.ndarray, role: RoleScheme) -> np.ndarray:
    """The largest magnitude of each row: nothing saturates."""
    return np.abs(rows).max(axis=1, initial=0.0)


@chooser("mse")
def least_squares(rows: np.ndarray, role: RoleScheme) -> np.ndarray:
    """Of ranges in steps of 1 % of the largest magnitude, from 100 % down, the one with the smallest squared rounding
    error: down to 80 %, for weights of 4 bits and fewer, whose steps are coarse, to 40 %."""
    largest = abs_max(rows, role)
    lowest = 80 if role.high > 7 else 40
    best, best_error = largest, np.full(largest.shape, np.inf)
    for fraction in np.linspace(1.0, lowest / 100, 101 - lowest):
        scale = np.maximum(largest * fraction / role.high, SMALLEST_SCALE)[:, np.newaxis]
        rounded = np.clip(np.round(rows / scale), role.low, role.high) * scale
        error = np.square(rounded - rows).sum(axis=1)
        # a tie keeps the wider range
        best = np.where(error < best_error, largest * fraction, best)
        best_error = np.minimum(error, best_error)
    return best


def fitting_role(op: str, role: RoleScheme) -> RoleScheme:
    """A scheme's role of weights, or symmetric int8, with its whole range, for an operator that lacks its type, zero
    points or blocks."""
    if not missing(op, role):
        return role
    granularity = Granularity.PER_CHANNEL if role.granularity is Granularity.PER_BLOCK else role.granularity
    low, high = DType.INT8.range
    return replace(role, dtype=DType.INT8, low=low + 1, high=high, symmetric=True, granularity=granularity)


def missing(op: str, role: RoleScheme) -> str:
    """What of a role an operator does not know, as users are told; "" where it knows all."""
    if role.dtype not in find_op(op).weight_types:
        return f"{op} takes int8 weights only, not {role.dtype.value}"
    if role.is_plain or find_op(op).finer_weights:
        return ""
    what = "blocks" if role.granularity is Granularity.PER_BLOCK else "zero points"
    return f"{op} takes no weights with {what}, they are symmetric int8"


def least_squares_of_three(rows: np.ndarray) -> np.ndarray:
    """Of each row the scale s at which −s, 0 and s have the smallest squared error. rows: float64 (rows, one or more).

    With the k largest magnitudes of a row becoming ±s, the best s is their mean, and what it saves of the row's square
    is (their sum)² / k (Li et al., "Ternary Weight Networks", 2016, equations 4 to 6). Every k is tried, where the
    paper takes a threshold; at the best one the threshold is half of s: rounding to the nearest.
    """
    sizes = -np.sort(-np.abs(rows), axis=1)
    sums, count = np.cumsum(sizes, axis=1), np.arange(1, sizes.shape[1] + 1)
    best = np.argmax(np.square(sums) / count, axis=1)
    return sums[np.arange(len(rows)), best] / count[best]


@chooser("ternary")
def ternary(rows: np.ndarray, role: RoleScheme) -> np.ndarray:
    """For weights of −1, 0 and 1: of all scales the one with the smallest squared error; for others as `mse`."""
    return least_squares_of_three(rows) if role.high == 1 and rows.shape[1] else least_squares(rows, role)


@chooser("mean")
def mean_magnitude(rows: np.ndarray, role: RoleScheme) -> np.ndarray:
    """For weights of −1 and 1: the mean magnitude, which has the smallest squared error (Rastegari et al., "XNOR-Net",
    2016, equation 6); for others as `mse`."""
    return np.abs(rows).mean(axis=1) if role.high == 1 and rows.shape[1] else least_squares(rows, role)


def weight_params(
    weights: np.ndarray, axis: int | None, role: RoleScheme, least_scale: np.ndarray | float = 0.0
) -> QuantParams:
    """Parameters of weights.

    Args:
        axis: of the channels; None, or a scheme without channels, gives one scale for all. Channels with blocks are
            the first axis.
        least_scale: scales are not smaller than this, (channels,) or one.

    Channels of zeros take the largest scale of the others. Ranges with a zero point contain 0.
    """
    choose = find_chooser(role.algorithm)
    if role.granularity is Granularity.PER_BLOCK:
        return block_params(weights, role, least_scale)
    per_channel = axis is not None and role.granularity is Granularity.PER_CHANNEL
    data = weights.astype(np.float64)
    rows = np.moveaxis(data, axis, 0).reshape(weights.shape[axis], -1) if per_channel else data.reshape(1, -1)
    if role.symmetric:
        lows, steps = np.zeros(len(rows)), role.high
        widths = choose(rows, role)
    else:
        middles = (rows.max(axis=1, initial=0.0) + rows.min(axis=1, initial=0.0)) / 2
        reach = choose(rows - middles[:, np.newaxis], role)
        lows, steps = np.minimum(middles - reach, 0.0), role.high - role.low
        widths = np.maximum(middles + reach, 0.0) - lows
    scale = widths / steps
    fallback = scale.max(initial=0.0)
    scale = np.where(scale > SMALLEST_SCALE, scale, fallback if fallback > SMALLEST_SCALE else 1.0)
    least = np.max(least_scale) if not per_channel else least_scale
    scale = np.maximum(scale, least).astype(np.float32)
    zeros = np.zeros(len(rows)) if role.symmetric else np.clip(np.rint(role.low - lows / scale), role.low, role.high)
    return QuantParams(scale, zeros, axis if per_channel else None)


def least_scale_for_bias(bias: np.ndarray | None, input_scale: float, role: RoleScheme) -> np.ndarray | float:
    """The smallest weight scales at which bias / (input scale · weight scale) stays within half of the bias's range.

    With a tiny weight scale a large bias would not fit int32; such weights lose precision that they do not need.
    """
    if bias is None:
        return 0.0
    return np.abs(bias.astype(np.float64)) / ((role.high + 1) // 2 * input_scale)


def bias_params(input_params: QuantParams, weight: QuantParams) -> QuantParams:
    """Scales of a bias: float32 products of the input's and the weights' scales; zero point 0."""
    scale = (input_params.scale[0].astype(np.float64) * weight.scale.astype(np.float64)).astype(np.float32)
    return QuantParams(scale, np.zeros(scale.shape, np.int64), 0 if weight.axis is not None else None)


def quantize_bias(bias: np.ndarray, params: QuantParams, role: RoleScheme) -> np.ndarray:
    """Nearest int32 values, computed in double: float32 does not hold 31 bits."""
    ratio = bias.astype(np.float64) / params.scale.astype(np.float64)
    nearest = np.sign(ratio) * np.floor(np.abs(ratio) + 0.5)
    return np.clip(nearest, role.low, role.high).astype(role.dtype.numpy)


def quantize_weights(weights: np.ndarray, params: QuantParams, role: RoleScheme) -> np.ndarray:
    return quantize_to(weights, params, role)
