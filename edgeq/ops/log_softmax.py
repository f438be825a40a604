"""LOG_SOFTMAX over the last axis."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgeq.errors import QuantizationError
from edgeq.fixedpoint import (
    INT32_MIN,
    Dialect,
    quantize_multiplier,
    quantize_multiplier_below_one,
    requantize,
    rounding_divide_by_pot,
    saturate,
)
from edgeq.fixedpoint_math import exp_on_negative, input_radius, log_of_at_least_one
from edgeq.ir import DType, Graph, Node, Tensor
from edgeq.ops import register
from edgeq.ops.base import Lowered, Op, OutputRule, QuantRule, affine, require

# A difference of two inputs and a logarithm are held in Q5.26, a sum of exponentials in Q12.19, results in Q4.4.
_DIFFERENCE_BITS = 5
_SUM_BITS = 12
_RESULT_SHIFT = 31 - _DIFFERENCE_BITS - 4
#: A sum of more exponentials can overflow.
MAX_ROW = 4095
OUTPUT = (16.0 / 256.0, 127)


@dataclass(frozen=True)
class LogSoftmaxAttrs:
    """LOG_SOFTMAX has no attributes."""


@dataclass(frozen=True)
class LogSoftmaxParams:
    """multiplier, shift: bring a difference of inputs to Q5.26; reverse_multiplier, reverse_shift: back.
    diff_min: exponentials of differences below it count as 0."""

    rows: int
    row_size: int
    multiplier: int
    shift: int
    reverse_multiplier: int
    reverse_shift: int
    diff_min: int


@register
class LogSoftmax(Op):
    """x − max − log(Σ exp(x − max)), with gemmlowp's exponential and TFLite's logarithm in fixed point."""

    name = "LOG_SOFTMAX"
    Attrs = LogSoftmaxAttrs
    Params = LogSoftmaxParams

    def infer(self, attrs: LogSoftmaxAttrs, x: Tensor) -> tuple[tuple[int, ...], ...]:
        require(len(x.shape) >= 1, "needs at least one axis")
        return (x.shape,)

    def quant_rule(self, attrs: LogSoftmaxAttrs) -> QuantRule:
        return QuantRule(OutputRule.FIXED, ((DType.INT8, OUTPUT),))

    def evaluate(self, attrs: LogSoftmaxAttrs, x: np.ndarray) -> tuple[np.ndarray, ...]:
        below = x - x.max(axis=-1, keepdims=True)
        return ((below - np.log(np.exp(below).sum(axis=-1, keepdims=True))).astype(np.float32),)

    def lower(self, node: Node, graph: Graph, dialect: Dialect) -> Lowered:
        (x,) = graph.operands(node)
        (y,) = graph.results(node)
        scale, _ = affine(x, node.loc)
        if affine(y, node.loc) != OUTPUT:
            raise QuantizationError("a log softmax needs a result of scale 1/16 and zero point 127", where=node.loc)
        row_size = x.shape[-1]
        if not 1 <= row_size <= MAX_ROW:
            raise QuantizationError(
                f"rows of {row_size} elements: the fixed-point log softmax sums 1 to {MAX_ROW}", where=node.loc
            )
        multiplier, shift = quantize_multiplier(min(scale * (1 << (31 - _DIFFERENCE_BITS)), (1 << 31) - 1.0))
        if not 1 <= shift <= 30:
            raise QuantizationError(
                f"a scale of {scale:g} is too small for the fixed-point log softmax",
                where=node.loc,
                hint="calibrate with data that covers the range of the layer's operand",
            )
        reverse = quantize_multiplier_below_one((1 << (31 - shift)) / multiplier, node.loc)
        diff_min = -input_radius(_DIFFERENCE_BITS, shift)
        params = LogSoftmaxParams(x.size // row_size, row_size, multiplier, shift, *reverse, diff_min)
        return Lowered(params, (x.name,))

    def simulate(self, p: LogSoftmaxParams, x: np.ndarray) -> tuple[np.ndarray, ...]:
        rows = x.reshape(-1, p.row_size).astype(np.int64)
        # at most 256 differences occur; element −d of these tables is that of difference d
        differences = -np.arange(256, dtype=np.int64)
        scaled = requantize(np.maximum(differences, p.diff_min), p.multiplier, p.shift)
        exponentials = rounding_divide_by_pot(exp_on_negative(scaled, _DIFFERENCE_BITS), _SUM_BITS)
        exponentials[differences < p.diff_min] = 0
        below = rows.max(axis=1, keepdims=True) - rows
        log = log_of_at_least_one(exponentials[below].sum(axis=1, keepdims=True))
        # what the subtraction below can hold
        least = np.maximum(p.diff_min - 1, requantize(log + INT32_MIN, p.reverse_multiplier, p.reverse_shift))
        y = rounding_divide_by_pot(scaled[below] - log, _RESULT_SHIFT) + OUTPUT[1]
        y = np.where(-below > least, y, -128)
        return (saturate(y, -128, 127).reshape(x.shape),)
