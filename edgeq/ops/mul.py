"""MUL: the elementwise product."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgeq.fixedpoint import Dialect, quantize_multiplier, requantize, saturate
from edgeq.ir import DType, Graph, Node
from edgeq.ops import register
from edgeq.ops.base import Lowered, activation_range, activation_type, affine, check_accumulator
from edgeq.ops.pairwise import FusedPairwiseAttrs, Pairwise, PairwiseParams, runtime_operands


@dataclass(frozen=True)
class MulParams(PairwiseParams):
    input1_offset: int
    input2_offset: int
    output_offset: int
    multiplier: int
    shift: int
    activation_min: int
    activation_max: int


@register
class Mul(Pairwise):
    """out = clamp(requantize((a + input1_offset)·(b + input2_offset)) + output_offset)."""

    name = "MUL"
    Attrs = FusedPairwiseAttrs
    Params = MulParams
    dtypes = (DType.INT8, DType.INT16)

    def of_reals(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return a * b

    def lower(self, node: Node, graph: Graph, dialect: Dialect) -> Lowered:
        a, b, y = runtime_operands(node, graph)
        dtype = activation_type(self, node.loc, a, b, y)
        _, zero_a = affine(a, node.loc, dtype)
        _, zero_b = affine(b, node.loc, dtype)
        scale_y, zero_y = affine(y, node.loc, dtype)
        # float32 throughout, as TFLite's mul.cc computes it
        multiplier, shift = quantize_multiplier(float(a.quant.scale[0] * b.quant.scale[0] / y.quant.scale[0]))
        low, high = activation_range(node.attrs.activation, scale_y, zero_y, dtype)
        params = MulParams(
            input1_shape=a.shape,
            input2_shape=b.shape,
            output_shape=y.shape,
            input1_offset=-zero_a,
            input2_offset=-zero_b,
            output_offset=zero_y,
            multiplier=multiplier,
            shift=shift,
            activation_min=low,
            activation_max=high,
            dtype=dtype.value,
        )
        least, most = dtype.range
        bound = max(abs(least - zero_a), abs(most - zero_a)) * max(abs(least - zero_b), abs(most - zero_b))
        return Lowered(params, (a.name, b.name), check_accumulator(bound, shift, node.loc))

    def of_integers(self, p: MulParams, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        y = requantize((a + p.input1_offset) * (b + p.input2_offset), p.multiplier, p.shift)
        y += p.output_offset
        return saturate(y, p.activation_min, p.activation_max, DType(p.dtype).numpy.type)
