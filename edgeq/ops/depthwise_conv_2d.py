"""DEPTHWISE_CONV_2D: every input channel with its own filters."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from edgeq.fixedpoint import Dialect
from edgeq.ir import DType, Graph, Node, Tensor
from edgeq.ops import register
from edgeq.ops.base import Activation, Lowered, Op, QuantRule, require
from edgeq.ops.spatial import Padding, Pair, centred, covered, output_size, pad_before
from edgeq.ops.weighted import WEIGHT_TYPES, WeightedParams, exact_sums, lowered_sums, weighted_fields

# Accumulators that `simulate` holds at a time: they and one tap's products stay in cache.
_ACCUMULATORS = 1 << 16
# Axes of the filters that one result sums over.
SUMMED = (0, 1, 2)


@dataclass(frozen=True)
class DepthwiseConv2DAttrs:
    stride: Pair = (1, 1)
    dilation: Pair = (1, 1)
    padding: Padding = Padding.VALID
    depth_multiplier: int = 1
    activation: Activation = Activation.NONE


@dataclass(frozen=True, eq=False)
class DepthwiseConv2DParams(WeightedParams):
    """Integers of a depthwise convolution. Shapes are NHWC; pairs (height, width).

    weights: (1, kernel_h, kernel_w, out_c). Output channel o reads input channel o // depth_multiplier.
    """

    input_shape: tuple[int, int, int, int]
    output_shape: tuple[int, int, int, int]
    kernel: Pair
    stride: Pair
    dilation: Pair
    pad: Pair
    depth_multiplier: int


@register
class DepthwiseConv2D(Op):
    """out[n,y,x,o] = clamp(requantize(Σ w[o]·(in[o // multiplier] + input_offset) + bias) + output_offset)."""

    name = "DEPTHWISE_CONV_2D"
    Attrs = DepthwiseConv2DAttrs
    Params = DepthwiseConv2DParams
    dtypes = (DType.INT8, DType.INT16)
    weight_types = WEIGHT_TYPES

    def infer(
        self, attrs: DepthwiseConv2DAttrs, x: Tensor, w: Tensor, b: Tensor | None = None
    ) -> tuple[tuple[int, ...], ...]:
        require(
            len(x.shape) == 4 and len(w.shape) == 4,
            f"needs NHWC input and 1HWO filters, has {list(x.shape)} and {list(w.shape)}",
        )
        one, kernel_h, kernel_w, out_c = w.shape
        require(
            one == 1 and out_c == x.shape[3] * attrs.depth_multiplier,
            f"{x.shape[3]} input channels times {attrs.depth_multiplier} do not fit filters of shape {list(w.shape)}",
        )
        require(b is None or b.shape == (out_c,), f"the bias needs {out_c} elements")
        height, width = output_size(x.shape[1:3], (kernel_h, kernel_w), attrs.stride, attrs.dilation, attrs.padding)
        return ((x.shape[0], height, width, out_c),)

    def macs(self, attrs: Any, inputs: tuple[Tensor | None, ...], outputs: tuple[Tensor, ...]) -> int:
        return outputs[0].size * inputs[1].shape[1] * inputs[1].shape[2]

    def quant_rule(self, attrs: DepthwiseConv2DAttrs) -> QuantRule:
        return QuantRule(weight=1, weight_axis=3, bias=2)

    def evaluate(
        self, attrs: DepthwiseConv2DAttrs, x: np.ndarray, w: np.ndarray, b: np.ndarray | None = None
    ) -> tuple[np.ndarray, ...]:
        filters = w[0, 0]
        images = x.reshape((-1,) + x.shape[2:])
        kernel = filters.shape[:2]
        out = output_size(images.shape[1:3], kernel, attrs.stride, attrs.dilation, attrs.padding)
        pad = pad_before(images.shape[1:3], out, kernel, attrs.stride, attrs.dilation)
        size = covered(out, kernel, attrs.stride, attrs.dilation)
        spread = _spread(centred(images, 0, pad, size, np.float32), attrs.depth_multiplier)
        y = _sum_of_taps(spread, filters, out, attrs.stride, attrs.dilation)
        if b is not None:
            y = y + b[0]
        y = np.clip(y, *attrs.activation.bounds).astype(np.float32)
        return (y.reshape(x.shape[:2] + y.shape[1:]),)

    def lower(self, node: Node, graph: Graph, dialect: Dialect) -> Lowered:
        attrs: DepthwiseConv2DAttrs = node.attrs
        x, w, *_ = operands = graph.operands(node)
        (y,) = graph.results(node)
        fields = weighted_fields(self, node, operands, y, axis=3, activation=attrs.activation)
        kernel = w.shape[1:3]
        params = DepthwiseConv2DParams(
            input_shape=x.shape,
            output_shape=y.shape,
            kernel=kernel,
            stride=attrs.stride,
            dilation=attrs.dilation,
            pad=pad_before(x.shape[1:3], y.shape[1:3], kernel, attrs.stride, attrs.dilation),
            depth_multiplier=attrs.depth_multiplier,
            **fields,
        )
        return lowered_sums(params, x, SUMMED, node.loc)

    def simulate(self, p: DepthwiseConv2DParams, x: np.ndarray) -> tuple[np.ndarray, ...]:
        exact, finish = exact_sums(p, SUMMED)
        return (depthwise_correlation(p, p.weights, x, p.input_offset, exact, finish),)


def depthwise_correlation(
    p: Any, filters: np.ndarray, x: np.ndarray, offset: int, exact: type, finish: Callable[[np.ndarray], np.ndarray]
) -> np.ndarray:
    """As `edgeq.ops.conv_2d.correlation`, of filters 1HWO and DepthwiseConv2DParams or others with their fields."""
    filters = filters[0].astype(exact)
    images = x.reshape((-1,) + p.input_shape[1:])
    out = p.output_shape[1:3]
    size = covered(out, p.kernel, p.stride, p.dilation)
    step = max(1, _ACCUMULATORS // (out[0] * out[1] * p.output_shape[3]))
    parts = []
    for start in range(0, max(1, images.shape[0]), step):
        some = centred(images[start : start + step], offset, p.pad, size, exact)
        parts.append(finish(_sum_of_taps(_spread(some, p.depth_multiplier), filters, out, p.stride, p.dilation)))
    return np.concatenate(parts).reshape((x.shape[0],) + p.output_shape)


def _spread(images: np.ndarray, depth_multiplier: int) -> np.ndarray:
    """Each input channel as often as there are output channels that read it."""
    return images if depth_multiplier == 1 else np.repeat(images, depth_multiplier, axis=3)


def _sum_of_taps(images: np.ndarray, filters: np.ndarray, out: Pair, stride: Pair, dilation: Pair) -> np.ndarray:
    """Padded images (n, h, w, c) with filters (kh, kw, c) → (n, *out, c): one shifted image per tap of the filters.

    Columns that a stride skips are sorted out beforehand, so that rows of results times channels are contiguous:
    NumPy is slow on short inner loops.
    """
    n, height, _, channels = images.shape
    phases = [images[:, :, f :: stride[1]].reshape(n, height, -1) for f in range(stride[1])]
    acc = np.zeros((n, out[0], out[1] * channels), images.dtype)
    product = np.empty_like(acc)
    for row, column in np.ndindex(*filters.shape[:2]):
        first = row * dilation[0]
        skipped, phase = divmod(column * dilation[1], stride[1])
        rows = slice(first, first + (out[0] - 1) * stride[0] + 1, stride[0])
        shifted = phases[phase][:, rows, skipped * channels : (skipped + out[1]) * channels]
        np.multiply(shifted, np.tile(filters[row, column], out[1]), out=product)
        acc += product
    return acc.reshape(n, *out, channels)
