"""SUM over any axes."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from edgeq.fixedpoint import Dialect, quantize_multiplier, saturate
from edgeq.ir import DType, Graph, Node, Tensor, frozen_array
from edgeq.ops import register
from edgeq.ops.base import Lowered, activation_type, affine, check_accumulator
from edgeq.ops.mean import Mean, MeanParams, Reduction, reduced_axes


@dataclass(frozen=True, eq=False)
class SumParams(Reduction):
    """thresholds: int32 (255,), ascending: the least sum of integers whose result is −127, −126 … 127."""

    thresholds: np.ndarray
    dtype: str = "int8"


@register
class Sum(Mean):
    """round(Σ in · ratio + offset) + zero point, saturated.

    TFLite computes this in float32, ties away from zero; thresholds say the same of every sum without floats. int16,
    which TFLite sums without looking at scales, is a MEAN that is not divided. Operands: the data, the axes (constant
    int32).
    """

    name = "SUM"
    Params = (SumParams, MeanParams)
    of_reals = staticmethod(np.sum)

    def lower(self, node: Node, graph: Graph, dialect: Dialect) -> Lowered:
        x, axis = graph.operands(node)
        (y,) = graph.results(node)
        axes = reduced_axes(axis, len(x.shape))
        dtype = activation_type(self, node.loc, x, y)
        input_scale, input_zero = affine(x, node.loc, dtype)
        output_scale, output_zero = affine(y, node.loc, dtype)
        count = math.prod(x.shape[a] for a in axes)
        low, high = dtype.range
        bound = max(-low, high) * count
        walk = (x.shape, y.shape, axes)
        if dtype is DType.INT16:
            multiplier, shift = quantize_multiplier(input_scale / output_scale)
            check_accumulator(bound, shift, node.loc)
            return Lowered(MeanParams(*walk, 0, multiplier, shift, output_zero, dtype.value), (x.name,), bound)
        check_accumulator(bound, 0, node.loc)
        return Lowered(SumParams(*walk, _thresholds(x, y, count)), (x.name,), bound)

    def simulate(self, p: SumParams | MeanParams, x: np.ndarray) -> tuple[np.ndarray, ...]:
        if isinstance(p, MeanParams):
            return super().simulate(p, x)
        total = x.sum(axis=tuple(a + 1 for a in p.axes), dtype=np.int64)
        y = np.searchsorted(p.thresholds, total, side="right") - 128
        return (y.astype(np.int8).reshape((x.shape[0],) + p.output_shape),)


def _results(sums: np.ndarray, x: Tensor, y: Tensor, count: int) -> np.ndarray:
    """What TFLite makes of these sums of `count` integers: its QuantizedMeanOrSum, float32 at every step."""
    _, zero_x = x.quant.per_tensor
    _, zero_y = y.quant.per_tensor
    ratio = x.quant.scale[0] / y.quant.scale[0]
    offset = np.float32(-zero_x) * ratio * np.float32(count)
    real = (sums.astype(np.float32) * ratio + offset).astype(np.float64)
    return saturate(np.sign(real) * np.floor(np.abs(real) + 0.5) + zero_y, -128, 127, np.int64)


def _thresholds(x: Tensor, y: Tensor, count: int) -> np.ndarray:
    """By bisection for all results at once: they never fall where a sum grows."""
    wanted = np.arange(-127, 128)
    low = np.full(wanted.shape, -128 * count, np.int64)
    high = np.full(wanted.shape, 127 * count + 1, np.int64)  # of what no sum reaches
    while np.any(low < high):
        middle = (low + high) >> 1
        reached = _results(middle, x, y, count) >= wanted
        high = np.where(reached, middle, high)
        low = np.where(reached, low, np.minimum(middle + 1, high))
    return frozen_array(high, np.int32)
