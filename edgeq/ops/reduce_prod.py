"""REDUCE_PROD: the product of the elements along any axes."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from edgeq.errors import QuantizationError
from edgeq.fixedpoint import INT32_MAX, Dialect, quantize_multiplier, requantize_wide, saturate
from edgeq.ir import DType, Graph, Node
from edgeq.ops import register
from edgeq.ops.base import Lowered, activation_type, affine
from edgeq.ops.mean import Mean, Reduction, reduced_axes


@dataclass(frozen=True)
class ReduceProdParams(Reduction):
    """multiplier, shift: what every partial product is scaled by, and the whole one once more."""

    input_offset: int
    multiplier: int
    shift: int
    output_offset: int
    dtype: str = "int8"


@register
class ReduceProd(Mean):
    """p = requantize(p · (in + input_offset)) element by element, out = saturate(requantize(p) + output_offset).

    The factor is scale of the operand / scale of the result^(1/n) for n elements (TFLite's QuantizedReduceProd), so the
    order of the elements matters: it is that of the memory. Operands: the data, the axes (constant int32).
    """

    name = "REDUCE_PROD"
    Params = ReduceProdParams
    of_reals = staticmethod(np.prod)

    def lower(self, node: Node, graph: Graph, dialect: Dialect) -> Lowered:
        x, axis = graph.operands(node)
        (y,) = graph.results(node)
        axes = reduced_axes(axis, len(x.shape))
        dtype = activation_type(self, node.loc, x, y)
        input_scale, input_zero = affine(x, node.loc, dtype)
        output_scale, output_zero = affine(y, node.loc, dtype)
        count = math.prod(x.shape[a] for a in axes)
        factor = input_scale / math.pow(output_scale, 1.0 / count)
        multiplier, shift = quantize_multiplier(factor)
        reach = max(abs(end - input_zero) for end in dtype.range)
        bound = _largest(reach, factor, count)
        if bound > INT32_MAX or shift > 7:
            raise QuantizationError(
                "the product can overflow 32 bits between two of its factors",
                where=node.loc,
                hint="multiply fewer elements, or calibrate with data that covers the range of the products",
            )
        params = ReduceProdParams(x.shape, y.shape, axes, -input_zero, multiplier, shift, output_zero, dtype.value)
        return Lowered(params, (x.name,), bound)

    def simulate(self, p: ReduceProdParams, x: np.ndarray) -> tuple[np.ndarray, ...]:
        kept = [a + 1 for a in range(x.ndim - 1) if a not in p.axes]
        factors = np.transpose(x, [0, *kept, *(a + 1 for a in p.axes)]).astype(np.int64) + p.input_offset
        factors = factors.reshape(x.shape[0], math.prod(p.output_shape), -1)
        product = factors[..., 0]
        for index in range(1, factors.shape[-1]):
            product = requantize_wide(product * factors[..., index], p.multiplier, p.shift)
        y = requantize_wide(product, p.multiplier, p.shift) + p.output_offset
        return (saturate(y, *DType(p.dtype).range, x.dtype.type).reshape((x.shape[0], *p.output_shape)),)


def _largest(reach: int, factor: float, count: int) -> int:
    """The largest magnitude that a scaled partial product may have: INT32_MAX + 1 for all beyond."""
    largest = product = float(reach)
    for index in range(count):
        # the last time without a further element; 15 bits of the factor, and its rounding
        product = product * (reach if index < count - 1 else 1) * (1 + 2.0**-14) * factor + 1
        largest = max(largest, product)
        if largest > INT32_MAX:
            return INT32_MAX + 1
    return math.ceil(largest)
