"""What ADD and SUB share."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from edgeq.errors import ModelError
from edgeq.fixedpoint import Dialect, quantize_multiplier_below_one, requantize, saturate
from edgeq.ir import DType, Graph, Node, Tensor, frozen_array
from edgeq.ops.base import Activation, Lowered, Op, activation_range, activation_type, affine
from edgeq.ops.broadcast import FIRST, SECOND, align, broadcast_shape, lookup_pairs, strides

# Bits that both operands are scaled up by before they are brought to a common scale.
LEFT_SHIFT = {DType.INT8: 20, DType.INT16: 15}


@dataclass(frozen=True)
class AdditionAttrs:
    activation: Activation = Activation.NONE


@dataclass(frozen=True)
class AdditionParams:
    """Integers of a sum, or of a difference where `subtracts` is 1. Shifts are not positive."""

    input1_shape: tuple[int, ...]
    input2_shape: tuple[int, ...]
    output_shape: tuple[int, ...]
    left_shift: int
    input1_offset: int
    input1_multiplier: int
    input1_shift: int
    input2_offset: int
    input2_multiplier: int
    input2_shift: int
    output_offset: int
    output_multiplier: int
    output_shift: int
    activation_min: int
    activation_max: int
    subtracts: int
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


class Addition(Op):
    """Base of ADD and SUB: each operand is requantized to twice the larger scale, the sum to the result's.

    Attributes:
        subtracts: whether the second operand is subtracted.
    """

    Attrs = AdditionAttrs
    Params = AdditionParams
    dtypes = (DType.INT8, DType.INT16)
    subtracts: ClassVar[bool] = False

    def infer(self, attrs: AdditionAttrs, a: Tensor, b: Tensor) -> tuple[tuple[int, ...], ...]:
        return (broadcast_shape(a, b),)

    def evaluate(self, attrs: AdditionAttrs, a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, ...]:
        rank = max(a.ndim, b.ndim) - 1
        a, b = align(a, rank), align(b, rank)
        y = a - b if self.subtracts else a + b
        return (np.clip(y, *attrs.activation.bounds).astype(np.float32),)

    def lower(self, node: Node, graph: Graph, dialect: Dialect) -> Lowered:
        a, b = graph.operands(node)
        (y,) = graph.results(node)
        dtype = activation_type(self, node.loc, a, b, y)
        scale_a, zero_a = affine(a, node.loc, dtype)
        scale_b, zero_b = affine(b, node.loc, dtype)
        scale_y, zero_y = affine(y, node.loc, dtype)
        if a.is_constant and b.is_constant:
            raise ModelError("both operands are constants", where=node.loc, hint="fold the constants")
        twice = 2.0 * max(scale_a, scale_b)
        low, high = activation_range(node.attrs.activation, scale_y, zero_y, dtype)
        left_shift = LEFT_SHIFT[dtype]
        multiplier_a, shift_a = quantize_multiplier_below_one(scale_a / twice, node.loc)
        multiplier_b, shift_b = quantize_multiplier_below_one(scale_b / twice, node.loc)
        multiplier_y, shift_y = quantize_multiplier_below_one(twice / ((1 << left_shift) * scale_y), node.loc)
        params = AdditionParams(
            input1_shape=a.shape,
            input2_shape=b.shape,
            output_shape=y.shape,
            left_shift=left_shift,
            input1_offset=-zero_a,
            input1_multiplier=multiplier_a,
            input1_shift=shift_a,
            input2_offset=-zero_b,
            input2_multiplier=multiplier_b,
            input2_shift=shift_b,
            output_offset=zero_y,
            output_multiplier=multiplier_y,
            output_shift=shift_y,
            activation_min=low,
            activation_max=high,
            subtracts=int(self.subtracts),
            dtype=dtype.value,
        )
        # |x − zero point| ≤ 255, or 2^15 of int16; each operand is at least halved after its left shift
        return Lowered(params, (a.name, b.name), (255 if dtype is DType.INT8 else 1 << 15) << left_shift)

    def simulate(self, p: AdditionParams, a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, ...]:
        if p.dtype == DType.INT16.value:
            rank = len(p.output_shape)
            return (_sums(p, align(a, rank).astype(np.int64), align(b, rank).astype(np.int64)),)
        return (lookup_pairs(_table(p), a, b, len(p.output_shape)),)


@functools.lru_cache(maxsize=32)
def _table(p: AdditionParams) -> np.ndarray:
    """The result for every pair of operands, for `lookup_pairs`."""
    return frozen_array(_sums(p, FIRST, SECOND).reshape(-1))


def _sums(p: AdditionParams, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """The results for int64 operands that broadcast."""
    a = requantize((a + p.input1_offset) << p.left_shift, p.input1_multiplier, p.input1_shift)
    b = requantize((b + p.input2_offset) << p.left_shift, p.input2_multiplier, p.input2_shift)
    # TFLite subtracts what it has requantized: a negative multiplier would round ties the other way
    y = requantize(a - b if p.subtracts else a + b, p.output_multiplier, p.output_shift)
    y += p.output_offset
    return saturate(y, p.activation_min, p.activation_max, DType(p.dtype).numpy.type)
