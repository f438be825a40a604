"""What average and maximum pooling share."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgeq.errors import QuantizationError
from edgeq.fixedpoint import Dialect
from edgeq.ir import DType, Graph, Node, Tensor
from edgeq.ops.base import (
    Activation,
    Lowered,
    Op,
    OutputRule,
    QuantRule,
    activation_range,
    activation_type,
    affine,
    require,
)
from edgeq.ops.spatial import Padding, Pair, output_size, pad_before, windows


@dataclass(frozen=True)
class PoolAttrs:
    filter: Pair = (1, 1)
    stride: Pair = (1, 1)
    padding: Padding = Padding.VALID
    activation: Activation = Activation.NONE


@dataclass(frozen=True)
class PoolParams:
    """Integers of a pooling. Shapes are NHWC; pairs (height, width). Padding takes no part in a window."""

    input_shape: tuple[int, int, int, int]
    output_shape: tuple[int, int, int, int]
    kernel: Pair
    stride: Pair
    pad: Pair
    activation_min: int
    activation_max: int
    dtype: str = "int8"


class Pool(Op):
    """Base of the pooling operators: result and input share scale and zero point."""

    Attrs = PoolAttrs
    Params = PoolParams
    dtypes = (DType.INT8, DType.INT16)

    def infer(self, attrs: PoolAttrs, x: Tensor) -> tuple[tuple[int, ...], ...]:
        require(len(x.shape) == 4, f"needs NHWC input, has {list(x.shape)}")
        height, width = output_size(x.shape[1:3], attrs.filter, attrs.stride, (1, 1), attrs.padding)
        return ((x.shape[0], height, width, x.shape[3]),)

    def quant_rule(self, attrs: PoolAttrs) -> QuantRule:
        return QuantRule(OutputRule.SAME_AS_INPUT)

    def lower(self, node: Node, graph: Graph, dialect: Dialect) -> Lowered:
        attrs: PoolAttrs = node.attrs
        (x,) = graph.operands(node)
        (y,) = graph.results(node)
        dtype = activation_type(self, node.loc, x, y)
        same_quantization(x, y, node.loc, dtype)
        low, high = activation_range(attrs.activation, *affine(y, node.loc, dtype), dtype)
        params = PoolParams(
            input_shape=x.shape,
            output_shape=y.shape,
            kernel=attrs.filter,
            stride=attrs.stride,
            pad=pad_before(x.shape[1:3], y.shape[1:3], attrs.filter, attrs.stride, (1, 1)),
            activation_min=low,
            activation_max=high,
            dtype=dtype.value,
        )
        return Lowered(params, (x.name,), self.accumulator_bound(params))

    def accumulator_bound(self, p: PoolParams) -> int:
        """Largest magnitude of an accumulator, 0 where there is none."""
        return 0


def same_quantization(x: Tensor, y: Tensor, where: str, dtype: DType = DType.INT8) -> None:
    """Raises QuantizationError unless the two tensors of that type share scale and zero point."""
    if affine(x, where, dtype) != affine(y, where, dtype):
        raise QuantizationError(
            f"{x.name!r} and {y.name!r} differ in scale or zero point, this operator needs the same for both",
            where=where,
            hint="convert the model again with a TFLite converter that follows the int8 quantization specification",
        )


def same_values(x: Tensor, y: Tensor, where: str) -> DType:
    """The type of two tensors whose elements mean the same: of equal scale and zero point, or of plain integers.

    Raises QuantizationError where they do not.
    """
    if x.quant is None and y.quant is None and x.dtype is y.dtype and x.dtype is not DType.FLOAT32:
        return x.dtype
    dtype = x.dtype if x.dtype is DType.INT16 else DType.INT8
    same_quantization(x, y, where, dtype)
    return dtype


def attrs_windows(attrs: PoolAttrs, x: np.ndarray, fill: float) -> np.ndarray:
    """Windows (n, out_h, out_w, kernel_h, kernel_w, c) of images (n, h, w, c)."""
    out = output_size(x.shape[1:3], attrs.filter, attrs.stride, (1, 1), attrs.padding)
    pad = pad_before(x.shape[1:3], out, attrs.filter, attrs.stride, (1, 1))
    return windows(x, attrs.filter, attrs.stride, (1, 1), pad, out, fill)


def params_windows(p: PoolParams, x: np.ndarray, fill: int) -> np.ndarray:
    """Windows (n, out_h, out_w, kernel_h, kernel_w, c) of images (n, h, w, c)."""
    return windows(x, p.kernel, p.stride, (1, 1), p.pad, p.output_shape[1:3], fill)
