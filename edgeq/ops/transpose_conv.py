"""TRANSPOSE_CONV: every input pixel adds its multiple of the filters to a window of the output."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from edgeq.errors import ModelError
from edgeq.fixedpoint import Dialect
from edgeq.ir import DType, Graph, Node, Tensor
from edgeq.ops import register
from edgeq.ops.base import Activation, Lowered, Op, QuantRule, require
from edgeq.ops.spatial import Padding, Pair, pad_before
from edgeq.ops.weighted import WeightedParams, exact_sums, lowered_sums, weighted_fields

# Axes of the filters that one result sums over.
_SUMMED = (1, 2, 3)


@dataclass(frozen=True)
class TransposeConvAttrs:
    stride: Pair = (1, 1)
    padding: Padding = Padding.VALID
    activation: Activation = Activation.NONE


@dataclass(frozen=True, eq=False)
class TransposeConvParams(WeightedParams):
    """Integers of a transposed convolution. Shapes are NHWC; pairs (height, width).

    pad: rows and columns of the windows that lie before the output's first.
    weights: (out_c, kernel_h, kernel_w, in_c).
    """

    input_shape: tuple[int, int, int, int]
    output_shape: tuple[int, int, int, int]
    kernel: Pair
    stride: Pair
    pad: Pair


@register
class TransposeConv(Op):
    """out[n, y·stride + i − pad, x·stride + j − pad, o] += w[o, i, j]·(in[n, y, x] + input_offset), then the bias and
    clamp(requantize(…) + output_offset). Operands: the result's shape (constant int32), filters, input, bias."""

    name = "TRANSPOSE_CONV"
    Attrs = TransposeConvAttrs
    Params = TransposeConvParams
    dtypes = (DType.INT8, DType.INT16)

    def infer(
        self, attrs: TransposeConvAttrs, shape: Tensor, w: Tensor, x: Tensor, b: Tensor | None = None
    ) -> tuple[tuple[int, ...], ...]:
        if shape.data is None:
            raise ModelError("the result's shape is computed at run time; a constant is needed")
        require(
            len(x.shape) == 4 and len(w.shape) == 4 and shape.size == 4,
            f"needs NHWC input, OHWI filters and a shape, has {list(x.shape)}, {list(w.shape)} and {shape.size} sizes",
        )
        require(min(attrs.stride) >= 1, f"stride {attrs.stride} must be positive")
        require(w.size > 0 and x.shape[3] == w.shape[3], f"{x.shape[3]} input channels do not fit {list(w.shape)}")
        require(b is None or b.shape == (w.shape[0],), f"the bias needs {w.shape[0]} elements")
        out = tuple(int(d) for d in np.ravel(shape.data))
        require(
            out[0] == x.shape[0] and out[3] == w.shape[0] and min(out) > 0 and max(out) < 1 << 20,
            f"a result of shape {list(out)} does not fit an input of {list(x.shape)} and filters of {list(w.shape)}",
        )
        return (out,)

    def macs(self, attrs: Any, inputs: tuple[Tensor | None, ...], outputs: tuple[Tensor, ...]) -> int:
        _, w, x, *_ = inputs
        return x.size * w.size // max(1, w.shape[3])

    def quant_rule(self, attrs: TransposeConvAttrs) -> QuantRule:
        return QuantRule(input=2, weight=1, weight_axis=0, bias=3)

    def evaluate(
        self, attrs: TransposeConvAttrs, shape: np.ndarray, w: np.ndarray, x: np.ndarray, b: np.ndarray | None = None
    ) -> tuple[np.ndarray, ...]:
        images = x.reshape((-1,) + x.shape[2:])
        out = tuple(int(d) for d in shape[0][1:])
        pad = window_pad(attrs, (out[0], out[1]), w.shape[2:4])
        y = _scatter(images, w[0], attrs.stride, pad, out)
        if b is not None:
            y = y + b[0]
        y = np.clip(y, *attrs.activation.bounds).astype(np.float32)
        return (y.reshape(x.shape[:2] + out),)

    def lower(self, node: Node, graph: Graph, dialect: Dialect) -> Lowered:
        attrs: TransposeConvAttrs = node.attrs
        _, w, x, *rest = graph.operands(node)
        (y,) = graph.results(node)
        # TFLite 2.14 sums what has no bias in 32 bits
        fields = weighted_fields(self, node, (x, w, *rest), y, axis=0, activation=attrs.activation, narrow_alone=True)
        params = TransposeConvParams(
            input_shape=x.shape,
            output_shape=y.shape,
            kernel=w.shape[1:3],
            stride=attrs.stride,
            pad=window_pad(attrs, y.shape[1:3], w.shape[1:3]),
            **fields,
        )
        return lowered_sums(params, x, _SUMMED, node.loc)

    def simulate(self, p: TransposeConvParams, x: np.ndarray) -> tuple[np.ndarray, ...]:
        exact, finish = exact_sums(p, _SUMMED)
        return (transposed_correlation(p, p.weights, x, p.input_offset, exact, finish),)


def transposed_correlation(
    p: Any, filters: np.ndarray, x: np.ndarray, offset: int, exact: type, finish: Callable[[np.ndarray], np.ndarray]
) -> np.ndarray:
    """What `finish` makes of the sums (…, out_c) of products of x + offset: (n, *output_shape). The arguments are those
    of `edgeq.ops.conv_2d.correlation`."""
    images = x.reshape((-1,) + p.input_shape[1:]).astype(exact) + exact(offset)
    y = finish(_scatter(images, filters.astype(exact), p.stride, p.pad, p.output_shape[1:]))
    return y.reshape((x.shape[0],) + p.output_shape)


def window_pad(attrs: TransposeConvAttrs, out: Pair, kernel: Pair) -> Pair:
    """That of the convolution which this one transposes: its input is the result here (TFLite's ComputePadding)."""
    if attrs.padding is Padding.VALID:
        return 0, 0
    size = (-(-out[0] // attrs.stride[0]), -(-out[1] // attrs.stride[1]))
    return pad_before(out, size, kernel, attrs.stride, (1, 1))


def _scatter(x: np.ndarray, w: np.ndarray, stride: Pair, pad: Pair, out: tuple[int, ...]) -> np.ndarray:
    """Images (n, h, w, c) and filters (o, kh, kw, c) → sums (n, *out)."""
    n, height, width, _ = x.shape
    kernel = w.shape[1:3]
    # room for all windows, also where they lie outside the result; what does is cut off
    sizes = zip((height, width), stride, kernel, pad, out[:2], strict=True)
    full = [max((size - 1) * step + window, before + wanted) for size, step, window, before, wanted in sizes]
    y = np.zeros((n, *full, w.shape[0]), x.dtype)
    for i in range(kernel[0]):
        for j in range(kernel[1]):
            rows = slice(i, i + (height - 1) * stride[0] + 1, stride[0])
            columns = slice(j, j + (width - 1) * stride[1] + 1, stride[1])
            y[:, rows, columns] += x @ w[:, i, j].T
    return y[:, pad[0] : pad[0] + out[0], pad[1] : pad[1] + out[1]]
