"""CUMSUM: running sums along an axis."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from edgeq.fixedpoint import Dialect, quantize_multiplier, requantize, saturate
from edgeq.ir import DType, Graph, Node, Tensor
from edgeq.ops import register
from edgeq.ops.base import Lowered, Op, activation_type, affine, check_accumulator, require
from edgeq.ops.integers import of_type
from edgeq.ops.mean import reduced_axes


@dataclass(frozen=True)
class CumsumAttrs:
    """exclusive: an element is not part of its own sum. reverse: from the end of the axis."""

    exclusive: bool = False
    reverse: bool = False


@dataclass(frozen=True)
class CumsumParams:
    """Sums along the middle axis of a tensor (outer, size, inner). element_type: a name of the IR.

    Attributes:
        input_offset, multiplier, shift, output_offset: of int8 and int16, whose sums are requantized; else 0.
    """

    outer: int
    size: int
    inner: int
    output_shape: tuple[int, ...]
    exclusive: int
    reverse: int
    element_type: str
    input_offset: int = 0
    multiplier: int = 0
    shift: int = 0
    output_offset: int = 0

    @property
    def is_scaled(self) -> bool:
        return self.element_type in (DType.INT8.value, DType.INT16.value)


@register
class Cumsum(Op):
    """out = saturate(requantize(Σ (in + input_offset)) + output_offset) of int8 and int16, which TFLite computes of
    float32 only. Plain integers wrap around. Operands: the data, the axis (a constant)."""

    name = "CUMSUM"
    Attrs = CumsumAttrs
    Params = CumsumParams
    dtypes = (DType.INT8, DType.INT16, DType.INT32, DType.INT64)

    def infer(self, attrs: CumsumAttrs, x: Tensor, axis: Tensor) -> tuple[tuple[int, ...], ...]:
        axes = reduced_axes(axis, len(x.shape))
        require(len(axes) == 1, f"needs one axis, has {len(axes)}")
        require(x.size > 0, f"shape {list(x.shape)} has no elements")
        return (x.shape,)

    def evaluate(self, attrs: CumsumAttrs, x: np.ndarray, axis: np.ndarray) -> tuple[np.ndarray, ...]:
        along = int(np.ravel(axis)[0])
        wide = x.astype(np.float64 if x.dtype.kind == "f" else np.int64)
        with np.errstate(over="ignore"):
            y = _sums(wide, along if along < 0 else along + 1, attrs.exclusive, attrs.reverse)
        return (y.astype(x.dtype),)

    def lower(self, node: Node, graph: Graph, dialect: Dialect) -> Lowered:
        x, axis = graph.operands(node)
        (y,) = graph.results(node)
        (along,) = reduced_axes(axis, len(x.shape))
        size = x.shape[along]
        walk = (math.prod(x.shape[:along]), size, math.prod(x.shape[along + 1 :]), y.shape)
        how = (int(node.attrs.exclusive), int(node.attrs.reverse))
        if x.quant is None:
            plain = of_type(x, (DType.INT32, DType.INT64), node.loc)
            of_type(y, (plain,), node.loc)
            return Lowered(CumsumParams(*walk, *how, plain.value), (x.name,))
        dtype = activation_type(self, node.loc, x, y)
        input_scale, input_zero = affine(x, node.loc, dtype)
        output_scale, output_zero = affine(y, node.loc, dtype)
        multiplier, shift = quantize_multiplier(input_scale / output_scale)
        bound = check_accumulator(max(abs(end - input_zero) for end in dtype.range) * size, shift, node.loc)
        params = CumsumParams(*walk, *how, dtype.value, -input_zero, multiplier, shift, output_zero)
        return Lowered(params, (x.name,), bound)

    def simulate(self, p: CumsumParams, x: np.ndarray) -> tuple[np.ndarray, ...]:
        dtype = DType(p.element_type)
        whole = x.reshape(x.shape[0], p.outer, p.size, p.inner).astype(np.int64)
        with np.errstate(over="ignore"):
            y = _sums(whole + p.input_offset, 2, bool(p.exclusive), bool(p.reverse))
        if p.is_scaled:
            y = requantize(y, p.multiplier, p.shift) + p.output_offset
            y = saturate(y, *dtype.range, dtype.numpy.type)
        return (y.astype(dtype.numpy).reshape((x.shape[0], *p.output_shape)),)


def _sums(x: np.ndarray, axis: int, exclusive: bool, reverse: bool) -> np.ndarray:
    x = np.flip(x, axis) if reverse else x
    y = np.cumsum(x, axis)
    y = y - x if exclusive else y
    return np.flip(y, axis) if reverse else y
