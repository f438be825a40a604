"""Cases of layers with two-valued inputs, and what they mean, written without the operators."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from edgeq.ir import DType, QuantParams, Tensor
from edgeq.ops.binary_conv_2d import BinaryConv2DAttrs
from edgeq.ops.binary_inputs import TwoLevels
from edgeq.ops.spatial import Padding

from .graphs import Case, activation_input, constant, one_node, quant, scale


def layer(
    rng: np.random.Generator, op: str, x_shape: Sequence[int], w_shape: Sequence[int], attrs: Callable[[TwoLevels], Any]
) -> Case:
    """Thresholds from one end of the input's range to the other; now and then without a bias, or with one scale."""
    x = activation_input("x", x_shape, quant(rng))
    step, zero = x.quant.per_tensor
    reach = step * (127 - zero)
    never_negative = reach > 0 and rng.random() < 0.5
    size = float(np.float32(rng.uniform(0.02, 0.99) * reach)) if never_negative else scale(rng, 40 * step)
    levels = TwoLevels(size, -1 if never_negative else 0)
    units, fan_in = w_shape[0], int(np.prod(w_shape[1:]))
    count = units if rng.random() < 0.8 else 1
    weight_quant = QuantParams([scale(rng, 0.01) for _ in range(count)], [0] * count, 0 if count > 1 else None)
    w = Tensor("w", tuple(w_shape), DType.BINARY, weight_quant, rng.choice([-1, 1], w_shape).astype(np.int8))
    spread = int(np.sqrt(fan_in)) + 1
    bias_quant = QuantParams(np.float32(size) * weight_quant.scale, [0] * count, weight_quant.axis)
    b = constant("b", rng.integers(-spread, spread, units).astype(np.int32), bias_quant)
    typical = size * float(np.median(weight_quant.scale)) * np.sqrt(fan_in)
    return one_node(rng, op, [x, w, None if rng.random() < 0.2 else b], quant(rng, typical / 60), attrs(levels))


def nearest(levels: TwoLevels, x: np.ndarray) -> np.ndarray:
    """Each number as the value that it becomes: the lower one below the middle."""
    low, high = levels.step * (-1 - levels.zero), levels.step * (1 - levels.zero)
    return np.where(x.astype(np.float32) >= np.float32((low + high) / 2), high, low)


def sums_of_windows(x: np.ndarray, w: np.ndarray, attrs: BinaryConv2DAttrs) -> np.ndarray:
    """The convolution of (n, batch, h, w, c) with (o, kh, kw, c), pixel by pixel; nothing is added outside of x."""
    n, batch, height, width, _ = x.shape
    reach = [(k - 1) * d + 1 for k, d in zip(w.shape[1:3], attrs.dilation, strict=True)]
    out, before = [], []
    for size, extent, stride in zip((height, width), reach, attrs.stride, strict=True):
        count = -(-size // stride) if attrs.padding is Padding.SAME else (size - extent) // stride + 1
        out.append(count)
        before.append(max(0, (count - 1) * stride + extent - size) // 2 if attrs.padding is Padding.SAME else 0)
    y = np.zeros((n, batch, *out, w.shape[0]))
    for row, column, ky, kx in np.ndindex(*out, *w.shape[1:3]):
        top = row * attrs.stride[0] - before[0] + ky * attrs.dilation[0]
        left = column * attrs.stride[1] - before[1] + kx * attrs.dilation[1]
        if 0 <= top < height and 0 <= left < width:
            y[:, :, row, column] += x[:, :, top, left] @ w[:, ky, kx].T
    return y
