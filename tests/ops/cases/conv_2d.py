"""Plain, grouped, strided, dilated and pointwise convolutions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from edgeq.ops import Activation
from edgeq.ops.conv_2d import Conv2DAttrs
from edgeq.ops.spatial import Padding

from ..graphs import Case, activation_input, bias, from_zero, idle_channel, one_node, quant, sum_quant, weights
from ..one_op import TFLITE_ACTIVATION, TFLITE_PADDING
from ..one_op import options as table


def options(attrs: Conv2DAttrs) -> Any:
    return table(
        "Conv2DOptions",
        padding=TFLITE_PADDING[attrs.padding],
        strideH=attrs.stride[0],
        strideW=attrs.stride[1],
        dilationHFactor=attrs.dilation[0],
        dilationWFactor=attrs.dilation[1],
        fusedActivationFunction=TFLITE_ACTIVATION[attrs.activation],
    )


def cases(rng: np.random.Generator) -> Iterator[Case]:
    kernels = [(1, 1), (3, 3), (2, 3), (5, 1), (1, 4)]
    yield _one_row(rng)
    yield _ordinary(rng, (1, 1), (1, 1), (7, 5), 13, 6)
    yield _ordinary(rng, (3, 3), (2, 1), (6, 5), 5, 5, relu=True)
    yield _ordinary(rng, (3, 2), (3, 3), (5, 8), 1, 2)
    yield _ordinary(rng, (3, 3), (1, 1), (1, 1), 8, 3, relu=True)
    yield _ordinary(rng, (3, 3), (1, 1), (4, 6), 16, 5)  # rows of whole sixteens, at borders and inside
    yield _ordinary(rng, (1, 2), (1, 1), (5, 7), 5, 9, relu=True)
    yield _row_with_gaps(rng)
    while True:
        for kernel in kernels:
            for padding in Padding:
                yield _case(rng, kernel, padding)


def _one_row(rng: np.random.Generator) -> Case:
    """A one-row image whose stride leaves columns over: CMSIS-NN's kernel for such rows on MVE goes wrong here."""
    x = activation_input("x", (1, 1, 10, 4), quant(rng))
    w = weights(rng, (5, 1, 3, 4), axis=0)
    attrs = Conv2DAttrs((1, 2), (1, 1), Padding.VALID)
    return one_node(rng, "CONV_2D", [x, w, bias(rng, x, w, 5, 12)], sum_quant(rng, x, w, 12), attrs)


def _row_with_gaps(rng: np.random.Generator) -> Case:
    """Windows of one row whose taps lie apart, all on the image: they have to be copied though none hangs over."""
    x = activation_input("x", (1, 3, 11, 6), quant(rng))
    w = weights(rng, (4, 1, 4, 6), axis=0)
    attrs = Conv2DAttrs((1, 1), (1, 2), Padding.VALID, rng.choice(list(Activation)))
    return one_node(rng, "CONV_2D", [x, w, bias(rng, x, w, 4, 24)], sum_quant(rng, x, w, 24), attrs)


def _ordinary(
    rng: np.random.Generator,
    kernel: tuple[int, int],
    stride: tuple[int, int],
    size: tuple[int, int],
    in_c: int,
    out_c: int,
    *,
    relu: bool = False,
) -> Case:
    """What tuned kernels are made for, at sizes odd for them: channels, a stride above the kernel, one pixel; one
    channel is switched off. With `relu` as converters have that."""
    x = activation_input("x", (1, *size, in_c), quant(rng))
    fan_in = kernel[0] * kernel[1] * in_c
    w = weights(rng, (out_c, *kernel, in_c), axis=0)
    w, b = idle_channel(w, bias(rng, x, w, out_c, fan_in), 1, axis=0)
    attrs = Conv2DAttrs(stride, (1, 1), Padding.SAME, Activation.RELU if relu else rng.choice(list(Activation)))
    y = sum_quant(rng, x, w, fan_in)
    return one_node(rng, "CONV_2D", [x, w, b], from_zero(y) if relu else y, attrs)


def _case(rng: np.random.Generator, kernel: tuple[int, int], padding: Padding) -> Case:
    dilation = tuple(int(rng.choice([1, 1, 2, 3])) for _ in range(2))
    stride = (1, 1) if max(dilation) > 1 else tuple(int(rng.integers(1, 4)) for _ in range(2))
    groups = int(rng.choice([1, 1, 1, 2, 3]))
    group_c, group_out = int(rng.integers(1, 7)), int(rng.integers(1, 6))
    size = tuple((k - 1) * d + int(rng.integers(1, 9)) for k, d in zip(kernel, dilation, strict=True))
    x = activation_input("x", (int(rng.choice([1, 1, 2])), *size, groups * group_c), quant(rng))
    w = weights(rng, (groups * group_out, *kernel, group_c), axis=rng.choice([0, None], p=[0.8, 0.2]))
    fan_in = kernel[0] * kernel[1] * group_c
    b = bias(rng, x, w, w.shape[0], fan_in)  # TFLite's int8 convolution insists on one
    attrs = Conv2DAttrs(stride, dilation, padding, rng.choice(list(Activation)))
    return one_node(rng, "CONV_2D", [x, w, b], sum_quant(rng, x, w, fan_in), attrs)
