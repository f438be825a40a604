"""CONV_2D: cross-correlation of NHWC images with OHWI filters, plain and grouped."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from edgeq.fixedpoint import Dialect
from edgeq.ir import DType, Graph, Node, Tensor
from edgeq.ops import register
from edgeq.ops.base import Activation, Lowered, Op, QuantRule, require
from edgeq.ops.fine_weights import FineWeights
from edgeq.ops.spatial import Padding, Pair, centred, covered, output_size, pad_before, windows
from edgeq.ops.weighted import WEIGHT_TYPES, WeightedParams, exact_sums, lowered_sums, weighted_fields

# Elements of the window matrix that `simulate` builds at a time.
_WINDOW_ELEMENTS = 3 << 18
# Axes of the filters that one result sums over.
SUMMED = (1, 2, 3)


@dataclass(frozen=True)
class Conv2DAttrs:
    stride: Pair = (1, 1)
    dilation: Pair = (1, 1)
    padding: Padding = Padding.VALID
    activation: Activation = Activation.NONE


@dataclass(frozen=True, eq=False)
class Conv2DParams(WeightedParams):
    """Integers of a convolution. Shapes are NHWC; pairs (height, width).

    weights: (out_c, kernel_h, kernel_w, in_c / groups).
    """

    input_shape: tuple[int, int, int, int]
    output_shape: tuple[int, int, int, int]
    kernel: Pair
    stride: Pair
    dilation: Pair
    pad: Pair

    @property
    def groups(self) -> int:
        return self.input_shape[3] // self.weights.shape[3]


@dataclass(frozen=True, eq=False)
class FineConv2DParams(FineWeights, Conv2DParams):
    """Integers of a convolution whose weights have zero points or blocks."""


@register
class Conv2D(Op):
    """out[n,y,x,o] = clamp(requantize(Σ w·(in + input_offset) + bias) + output_offset)."""

    name = "CONV_2D"
    Attrs = Conv2DAttrs
    Params = (Conv2DParams, FineConv2DParams)
    dtypes = (DType.INT8, DType.INT16)
    weight_types = WEIGHT_TYPES
    finer_weights = True

    def infer(self, attrs: Conv2DAttrs, x: Tensor, w: Tensor, b: Tensor | None = None) -> tuple[tuple[int, ...], ...]:
        require(
            len(x.shape) == 4 and len(w.shape) == 4,
            f"needs NHWC input and OHWI filters, has {list(x.shape)} and {list(w.shape)}",
        )
        out_c, kernel_h, kernel_w, group_c = w.shape
        require(
            0 < group_c <= x.shape[3] and x.shape[3] % group_c == 0 and out_c % (x.shape[3] // group_c) == 0,
            f"{x.shape[3]} input channels do not fit filters of shape {list(w.shape)}",
        )
        require(b is None or b.shape == (out_c,), f"the bias needs {out_c} elements")
        height, width = output_size(x.shape[1:3], (kernel_h, kernel_w), attrs.stride, attrs.dilation, attrs.padding)
        return ((x.shape[0], height, width, out_c),)

    def macs(self, attrs: Any, inputs: tuple[Tensor | None, ...], outputs: tuple[Tensor, ...]) -> int:
        return outputs[0].size * inputs[1].size // inputs[1].shape[0]

    def quant_rule(self, attrs: Conv2DAttrs) -> QuantRule:
        return QuantRule(weight=1, weight_axis=0, bias=2)

    def evaluate(
        self, attrs: Conv2DAttrs, x: np.ndarray, w: np.ndarray, b: np.ndarray | None = None
    ) -> tuple[np.ndarray, ...]:
        w = w[0]
        images = x.reshape((-1,) + x.shape[2:])
        kernel = w.shape[1:3]
        out = output_size(images.shape[1:3], kernel, attrs.stride, attrs.dilation, attrs.padding)
        pad = pad_before(images.shape[1:3], out, kernel, attrs.stride, attrs.dilation)
        view = windows(images, kernel, attrs.stride, attrs.dilation, pad, out, 0.0)
        y = _correlate(view, w)
        if b is not None:
            y = y + b[0]
        y = np.clip(y, *attrs.activation.bounds).astype(np.float32)
        return (y.reshape(x.shape[:2] + y.shape[1:]),)

    def lower(self, node: Node, graph: Graph, dialect: Dialect) -> Lowered:
        attrs: Conv2DAttrs = node.attrs
        x, w, *_ = operands = graph.operands(node)
        (y,) = graph.results(node)
        fields = weighted_fields(self, node, operands, y, axis=0, activation=attrs.activation)
        kernel = w.shape[1:3]
        params = (Conv2DParams if w.quant.is_plain else FineConv2DParams)(
            input_shape=x.shape,
            output_shape=y.shape,
            kernel=kernel,
            stride=attrs.stride,
            dilation=attrs.dilation,
            pad=pad_before(x.shape[1:3], y.shape[1:3], kernel, attrs.stride, attrs.dilation),
            **fields,
        )
        return lowered_sums(params, x, SUMMED, node.loc)

    def simulate(self, p: Conv2DParams, x: np.ndarray) -> tuple[np.ndarray, ...]:
        exact, finish = exact_sums(p, SUMMED)
        return (correlation(p, p.factors, x, p.input_offset, exact, finish),)


def correlation(
    p: Any, filters: np.ndarray, x: np.ndarray, offset: int, exact: type, finish: Callable[[np.ndarray], np.ndarray]
) -> np.ndarray:
    """What `finish` makes of the sums of products (…, out_c) of x + offset: (n, *output_shape).

    Args:
        p: Conv2DParams, or others with those of its fields that say where windows lie.
        filters: integers, OHWI.
        exact: a float type in which the sums are exact.
    """
    filters = filters.astype(exact)
    images = x.reshape((-1,) + p.input_shape[1:])
    out = p.output_shape[1:3]
    size = covered(out, p.kernel, p.stride, p.dilation)
    window = out[0] * out[1] * p.kernel[0] * p.kernel[1] * p.input_shape[3]
    step = min(max(1, images.shape[0]), max(1, _WINDOW_ELEMENTS // window))
    matrix = np.empty(step * window, exact)
    parts = []
    for start in range(0, max(1, images.shape[0]), step):
        some = centred(images[start : start + step], offset, p.pad, size, exact)
        view = windows(some, p.kernel, p.stride, p.dilation, (0, 0), out, 0)
        parts.append(finish(_correlate(view, filters, matrix)))
    return np.concatenate(parts).reshape((x.shape[0],) + p.output_shape)


def _correlate(view: np.ndarray, w: np.ndarray, matrix: np.ndarray | None = None) -> np.ndarray:
    """Windows (n, oh, ow, kh, kw, c) with filters (o, kh, kw, c / groups) → (n, oh, ow, o), as one product per group.

    matrix: where to lay out the windows, one per row; at least view.size elements. Memory that is used again and again
    saves more time than the product takes.
    """
    n, out_h, out_w = view.shape[:3]
    out_c, group_c = w.shape[0], w.shape[3]
    groups = view.shape[5] // group_c
    if matrix is None:
        matrix = np.empty(view.size, view.dtype)
    parts = []
    for g in range(groups):
        filters = w[g * (out_c // groups) : (g + 1) * (out_c // groups)]
        window = view[..., g * group_c : (g + 1) * group_c]
        patches = matrix[: window.size].reshape(window.shape)
        np.copyto(patches, window)
        parts.append(patches.reshape(n * out_h * out_w, -1) @ filters.reshape(out_c // groups, -1).T)
    y = parts[0] if groups == 1 else np.concatenate(parts, axis=1)
    return y.reshape(n, out_h, out_w, out_c)
