"""MUL: the elementwise product."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass

import numpy as np

from edgeq.errors import ModelError
from edgeq.fixedpoint import Dialect, quantize_multiplier, requantize, saturate
from edgeq.ir import DType, Graph, Node, Tensor, frozen_array
from edgeq.ops import register
from edgeq.ops.base import Activation, Lowered, Op, activation_range, activation_type, affine, check_accumulator
from edgeq.ops.broadcast import FIRST, SECOND, align, broadcast_shape, lookup_pairs, strides


@dataclass(frozen=True)
class MulAttrs:
    activation: Activation = Activation.NONE


@dataclass(frozen=True)
class MulParams:
    input1_shape: tuple[int, ...]
    input2_shape: tuple[int, ...]
    output_shape: tuple[int, ...]
    input1_offset: int
    input2_offset: int
    output_offset: int
    multiplier: int
    shift: int
    activation_min: int
    activation_max: int
    dtype: str = "int8"

    @property
    def size(self) -> int:
        """Elements of the result."""
        return math.prod(self.output_shape)

    @property
    def broadcasts(self) -> bool:
        """Whether an operand is repeated; operands that differ only by axes of size 1 are read alike."""
        return not self.size == math.prod(self.input1_shape) == math.prod(self.input2_shape)

    @property
    def strides1(self) -> tuple[int, ...]:
        return strides(self.input1_shape, self.output_shape)

    @property
    def strides2(self) -> tuple[int, ...]:
        return strides(self.input2_shape, self.output_shape)


@register
class Mul(Op):
    """out = clamp(requantize((a + input1_offset)·(b + input2_offset)) + output_offset)."""

    name = "MUL"
    Attrs = MulAttrs
    Params = MulParams
    dtypes = (DType.INT8, DType.INT16)

    def infer(self, attrs: MulAttrs, a: Tensor, b: Tensor) -> tuple[tuple[int, ...], ...]:
        return (broadcast_shape(a, b),)

    def evaluate(self, attrs: MulAttrs, a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, ...]:
        rank = max(a.ndim, b.ndim) - 1
        y = align(a, rank) * align(b, rank)
        return (np.clip(y, *attrs.activation.bounds).astype(np.float32),)

    def lower(self, node: Node, graph: Graph, dialect: Dialect) -> Lowered:
        a, b = graph.operands(node)
        (y,) = graph.results(node)
        dtype = activation_type(self, node.loc, a, b, y)
        _, zero_a = affine(a, node.loc, dtype)
        _, zero_b = affine(b, node.loc, dtype)
        scale_y, zero_y = affine(y, node.loc, dtype)
        if a.is_constant and b.is_constant:
            raise ModelError("both operands are constants", where=node.loc, hint="fold the constants")
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

    def simulate(self, p: MulParams, a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, ...]:
        if p.dtype == DType.INT16.value:
            rank = len(p.output_shape)
            return (_products(p, align(a, rank).astype(np.int64), align(b, rank).astype(np.int64)),)
        return (lookup_pairs(_table(p), a, b, len(p.output_shape)),)


@functools.lru_cache(maxsize=32)
def _table(p: MulParams) -> np.ndarray:
    """The result for every pair of operands, for `lookup_pairs`."""
    return frozen_array(_products(p, FIRST, SECOND).reshape(-1))


def _products(p: MulParams, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """The results for int64 operands that broadcast."""
    y = requantize((a + p.input1_offset) * (b + p.input2_offset), p.multiplier, p.shift)
    y += p.output_offset
    return saturate(y, p.activation_min, p.activation_max, DType(p.dtype).numpy.type)
