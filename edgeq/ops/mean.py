"""MEAN over any axes."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from edgeq.errors import ModelError
from edgeq.fixedpoint import Dialect, quantize_multiplier, requantize, saturate
from edgeq.ir import DType, Graph, Node, Tensor
from edgeq.ops import register
from edgeq.ops.base import Lowered, Op, activation_type, affine, check_accumulator, require


@dataclass(frozen=True)
class MeanAttrs:
    keep_dims: bool = False


@dataclass(frozen=True)
class Reduction:
    """A walk over a tensor, some axes kept, the others reduced.

    Attributes:
        axes: the reduced axes, ascending.
    """

    input_shape: tuple[int, ...]
    output_shape: tuple[int, ...]
    axes: tuple[int, ...]

    @property
    def kept_dims(self) -> tuple[int, ...]:
        return self._sizes(self._kept)

    @property
    def kept_strides(self) -> tuple[int, ...]:
        return self._strides(self._kept)

    @property
    def reduced_dims(self) -> tuple[int, ...]:
        return self._sizes(self.axes)

    @property
    def reduced_strides(self) -> tuple[int, ...]:
        return self._strides(self.axes)

    @property
    def _kept(self) -> tuple[int, ...]:
        return tuple(a for a in range(len(self.input_shape)) if a not in self.axes)

    def _sizes(self, axes: tuple[int, ...]) -> tuple[int, ...]:
        return tuple(self.input_shape[a] for a in axes)

    def _strides(self, axes: tuple[int, ...]) -> tuple[int, ...]:
        """Elements between neighbours along each axis of the input."""
        return tuple(math.prod(self.input_shape[a + 1 :]) for a in axes)


@dataclass(frozen=True)
class MeanParams(Reduction):
    """Integers of a mean.

    Attributes:
        sum_offset: number of averaged elements times the input's negated zero point.
        multiplier, shift: scale ratio divided by the number of averaged elements.
    """

    sum_offset: int
    multiplier: int
    shift: int
    output_offset: int
    dtype: str = "int8"


@register
class Mean(Op):
    """out = saturate(requantize(Σ in + sum_offset) + output_offset). Operands: the data, the axes (constant int32)."""

    name = "MEAN"
    Attrs = MeanAttrs
    Params = MeanParams
    dtypes = (DType.INT8, DType.INT16)
    #: what becomes of real numbers
    of_reals = staticmethod(np.mean)

    def infer(self, attrs: MeanAttrs, x: Tensor, axis: Tensor) -> tuple[tuple[int, ...], ...]:
        axes = reduced_axes(axis, len(x.shape))
        require(all(x.shape[a] > 0 for a in axes), "the mean of nothing is not defined")
        return (reduced_shape(x.shape, axes, attrs.keep_dims),)

    def evaluate(self, attrs: MeanAttrs, x: np.ndarray, axis: np.ndarray) -> tuple[np.ndarray, ...]:
        axes = tuple(sorted({1 + int(a) % (x.ndim - 1) for a in np.ravel(axis)}))
        return (self.of_reals(x, axis=axes, keepdims=attrs.keep_dims, dtype=np.float64).astype(np.float32),)

    def lower(self, node: Node, graph: Graph, dialect: Dialect) -> Lowered:
        x, axis = graph.operands(node)
        (y,) = graph.results(node)
        axes = reduced_axes(axis, len(x.shape))
        dtype = activation_type(self, node.loc, x, y)
        input_scale, input_zero = affine(x, node.loc, dtype)
        output_scale, output_zero = affine(y, node.loc, dtype)
        count = math.prod(x.shape[a] for a in axes)
        multiplier, shift = quantize_multiplier(input_scale / output_scale)
        # The division by the count goes into the factor, with as many more bits as the format allows (TFLite's
        # reference kernels; the quotient is truncated there).
        bits = min(count.bit_length() - 1, 32, 31 + shift)
        params = MeanParams(
            input_shape=x.shape,
            output_shape=y.shape,
            axes=axes,
            sum_offset=-input_zero * count,
            multiplier=(multiplier << bits) // count,
            shift=shift - bits,
            output_offset=output_zero,
            dtype=dtype.value,
        )
        low, high = dtype.range
        bound = max(abs(low - input_zero), abs(high - input_zero)) * count
        return Lowered(params, (x.name,), check_accumulator(bound, params.shift, node.loc))

    def simulate(self, p: MeanParams, x: np.ndarray) -> tuple[np.ndarray, ...]:
        total = x.sum(axis=tuple(a + 1 for a in p.axes), dtype=np.int64) + p.sum_offset
        y = requantize(total, p.multiplier, p.shift)
        y = y + p.output_offset
        return (saturate(y, *DType(p.dtype).range, x.dtype.type).reshape((x.shape[0],) + p.output_shape),)


def reduced_axes(axis: Tensor, rank: int) -> tuple[int, ...]:
    """The reduced axes, ascending and without repetition, of a constant that may count from the end."""
    if axis.data is None:
        raise ModelError("the axes are computed at run time; a constant is needed")
    axes = [int(a) for a in np.ravel(axis.data)]
    require(all(-rank <= a < rank for a in axes), f"axes {axes} do not exist in a tensor of {rank} dimensions")
    return tuple(sorted({a % rank for a in axes}))


def reduced_shape(shape: tuple[int, ...], axes: tuple[int, ...], keep_dims: bool) -> tuple[int, ...]:
    """The result's shape: reduced axes dropped, or of size 1."""
    if keep_dims:
        return tuple(1 if a in axes else d for a, d in enumerate(shape))
    return tuple(d for a, d in enumerate(shape) if a not in axes)
