"""PRELU: x where it is positive, alpha · x where it is not. Operands: x, alpha."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgeq.fixedpoint import Dialect, quantize_multiplier, requantize, saturate
from edgeq.ir import DType, Graph, Node, Tensor
from edgeq.ops import register
from edgeq.ops.base import Lowered, QuantRule, SymmetricConstant, activation_type, affine, check_accumulator, require
from edgeq.ops.broadcast import broadcast_shape
from edgeq.ops.lookup import quotient
from edgeq.ops.pairwise import Pairwise, PairwiseAttrs, PairwiseParams, runtime_operands


@dataclass(frozen=True)
class PreluParams(PairwiseParams):
    """multiplier1, shift1: of x itself. multiplier2, shift2: of the product with alpha."""

    input1_offset: int
    input2_offset: int
    output_offset: int
    multiplier1: int
    shift1: int
    multiplier2: int
    shift2: int


@register
class Prelu(Pairwise):
    """Of int16, with int8 slopes, a kernel of LiteRT 2.x; TFLite 2.14 has int8 alone."""

    name = "PRELU"
    Params = PreluParams
    dtypes = (DType.INT8, DType.INT16)

    def infer(self, attrs: PairwiseAttrs, x: Tensor, alpha: Tensor) -> tuple[tuple[int, ...], ...]:
        shape = broadcast_shape(x, alpha)
        require(shape == x.shape, f"a slope of shape {list(alpha.shape)} does not fit {list(x.shape)}")
        return (shape,)

    def quant_rule(self, attrs: PairwiseAttrs) -> QuantRule:
        return QuantRule(symmetric=(SymmetricConstant(1, DType.INT8),))

    def of_reals(self, x: np.ndarray, alpha: np.ndarray) -> np.ndarray:
        return np.where(x >= 0, x, alpha * x)

    def lower(self, node: Node, graph: Graph, dialect: Dialect) -> Lowered:
        x, alpha, y = runtime_operands(node, graph)
        dtype = activation_type(self, node.loc, x, y)
        (_, zero_x), (_, zero_y) = affine(x, node.loc, dtype), affine(y, node.loc, dtype)
        _, zero_alpha = affine(alpha, node.loc)
        multiplier1, shift1 = quantize_multiplier(quotient(x, y))
        # float32 from left to right, as PreluPrepare computes it
        multiplier2, shift2 = quantize_multiplier(float(x.quant.scale[0] * alpha.quant.scale[0] / y.quant.scale[0]))
        params = PreluParams(
            input1_shape=x.shape,
            input2_shape=alpha.shape,
            output_shape=y.shape,
            input1_offset=-zero_x,
            input2_offset=-zero_alpha,
            output_offset=zero_y,
            multiplier1=multiplier1,
            shift1=shift1,
            multiplier2=multiplier2,
            shift2=shift2,
            dtype=dtype.value,
        )
        low, high = dtype.range
        check_accumulator(high - low, shift1, node.loc)
        bound = max(0, zero_x - low) * max(128 + zero_alpha, 127 - zero_alpha)
        return Lowered(params, (x.name, alpha.name), check_accumulator(bound, shift2, node.loc))

    def of_integers(self, p: PreluParams, x: np.ndarray, alpha: np.ndarray) -> np.ndarray:
        dtype = DType(p.dtype)
        value = x + p.input1_offset
        above = requantize(value, p.multiplier1, p.shift1)
        below = requantize(value * (alpha + p.input2_offset), p.multiplier2, p.shift2)
        return saturate(np.where(value >= 0, above, below) + p.output_offset, *dtype.range, dtype.numpy.type)
