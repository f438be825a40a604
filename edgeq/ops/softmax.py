"""SOFTMAX over the last axis."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgeq.errors import QuantizationError
from edgeq.fixedpoint import (
    INT32_MAX,
    Dialect,
    doubling_high_mult,
    quantize_multiplier,
    rounding_divide_by_pot,
    saturate,
)
from edgeq.fixedpoint_math import exp_on_negative, input_radius, reciprocal_of_one_plus
from edgeq.ir import DType, Graph, Node, Tensor
from edgeq.ops import register
from edgeq.ops.base import Lowered, Op, OutputRule, QuantRule, activation_type, affine, require
from edgeq.ops.softmax16 import Softmax16Params, softmax16, softmax16_params

# A difference of two inputs, times beta, is held in Q5.26; the sum of exponentials in Q12.19.
_DIFFERENCE_BITS = 5
_SUM_BITS = 12
#: Elements of an int8 row, by the result's type. With more, equal inputs make a sum of 512 or more, and the shift that
#: scales an int8 result exceeds 31 bits, or one that its twelve bits do not hold.
MAX_ROW = {DType.INT8: 511, DType.INT16: 4095}
OUTPUT = {DType.INT8: (1.0 / 256.0, -128), DType.INT16: (1.0 / 32768.0, 0)}
# Of int16 results of an int8 operand.
_FINE_OUTPUT = (1.0 / 65536.0, -32768)


@dataclass(frozen=True)
class SoftmaxAttrs:
    beta: float = 1.0


@dataclass(frozen=True)
class SoftmaxParams:
    """multiplier, shift: bring a difference of inputs to Q5.26. diff_min: differences below it count as −infinity.
    output_type: int8 or int16, whose smallest integer is 0 and whose step is 1/2^8 or 1/2^16."""

    rows: int
    row_size: int
    multiplier: int
    shift: int
    diff_min: int
    output_type: str = "int8"


@register
class Softmax(Op):
    """exp(beta·x) / Σ exp(beta·x) with gemmlowp's fixed-point exponential and reciprocal."""

    name = "SOFTMAX"
    Attrs = SoftmaxAttrs
    Params = (SoftmaxParams, Softmax16Params)
    dtypes = (DType.INT8, DType.INT16)

    def infer(self, attrs: SoftmaxAttrs, x: Tensor) -> tuple[tuple[int, ...], ...]:
        require(len(x.shape) >= 1, "needs at least one axis")
        return (x.shape,)

    def quant_rule(self, attrs: SoftmaxAttrs) -> QuantRule:
        return QuantRule(OutputRule.FIXED, tuple(OUTPUT.items()))

    def evaluate(self, attrs: SoftmaxAttrs, x: np.ndarray) -> tuple[np.ndarray, ...]:
        e = np.exp(np.float32(attrs.beta) * (x - x.max(axis=-1, keepdims=True)))
        return ((e / e.sum(axis=-1, keepdims=True)).astype(np.float32),)

    def lower(self, node: Node, graph: Graph, dialect: Dialect) -> Lowered:
        (x,) = graph.operands(node)
        (y,) = graph.results(node)
        fine = x.dtype is DType.INT8 and y.dtype is DType.INT16
        dtype = DType.INT8 if fine else activation_type(self, node.loc, x, y)
        scale, _ = affine(x, node.loc, dtype)
        wanted = _FINE_OUTPUT if fine else OUTPUT[dtype]
        if affine(y, node.loc, y.dtype if fine else dtype, centred=not fine) != wanted:
            of = f"1/{round(1 / wanted[0])} and zero point {wanted[1]}"
            raise QuantizationError(f"a softmax from {dtype.value} needs a result of scale {of}", where=node.loc)
        row_size, most = x.shape[-1], MAX_ROW[DType.INT16 if fine else DType.INT8]
        if dtype is DType.INT16 and 1 <= row_size < 1 << 15:
            return Lowered(softmax16_params(node.attrs.beta, x), (x.name,))
        if not 1 <= row_size <= most:
            raise QuantizationError(
                f"rows of {row_size} elements: the fixed-point softmax sums 1 to {most}",
                where=node.loc,
                hint="leave the softmax out of the model: the largest logit is the largest probability",
            )
        # float32 beta and scale, multiplied as doubles (TFLite's PreprocessSoftmaxScaling)
        real = float(np.float32(node.attrs.beta)) * scale * (1 << (31 - _DIFFERENCE_BITS))
        if not real > 1.0:
            raise QuantizationError(f"beta times the input's scale is too small ({real:g} in Q5.26)", where=node.loc)
        multiplier, shift = quantize_multiplier(min(real, float(INT32_MAX)))
        diff_min = -input_radius(_DIFFERENCE_BITS, shift)
        return Lowered(
            SoftmaxParams(x.size // row_size, row_size, multiplier, shift, diff_min, y.dtype.value), (x.name,)
        )

    def simulate(self, p: SoftmaxParams | Softmax16Params, x: np.ndarray) -> tuple[np.ndarray, ...]:
        if isinstance(p, Softmax16Params):
            return (softmax16(p, x),)
        rows = x.reshape(-1, p.row_size).astype(np.int64)
        # at most 256 differences occur: their exponentials come from a table, element −d for difference d
        differences = np.maximum(-np.arange(256, dtype=np.int64), p.diff_min)
        exponentials = exp_on_negative(doubling_high_mult(differences << p.shift, p.multiplier), _DIFFERENCE_BITS)
        exponentials[-np.arange(256) < p.diff_min] = 0
        below = rows.max(axis=1, keepdims=True) - rows
        total = rounding_divide_by_pot(exponentials, _SUM_BITS)[below].sum(axis=1, keepdims=True)
        _, bits = np.frexp(total.astype(np.float64))
        headroom = 32 - bits
        scale = reciprocal_of_one_plus((total << headroom) - (1 << 31))
        y = doubling_high_mult(scale, exponentials[below])
        output = DType(p.output_type)
        low, high = output.range
        y = rounding_divide_by_pot(y, _SUM_BITS - headroom + 31 - 8 * output.itemsize)
        return (saturate(y + low, low, high, output.numpy.type).reshape(x.shape),)
