"""Depthwise convolutions with depth multipliers, strides and dilations."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from edgeq.ops import Activation
from edgeq.ops.depthwise_conv_2d import DepthwiseConv2DAttrs
from edgeq.ops.spatial import Padding

from ..graphs import Case, activation_input, bias, from_zero, idle_channel, one_node, quant, sum_quant, weights
from ..one_op import TFLITE_ACTIVATION, TFLITE_PADDING
from ..one_op import options as table


def options(attrs: DepthwiseConv2DAttrs) -> Any:
    return table(
        "DepthwiseConv2DOptions",
        padding=TFLITE_PADDING[attrs.padding],
        strideH=attrs.stride[0],
        strideW=attrs.stride[1],
        dilationHFactor=attrs.dilation[0],
        dilationWFactor=attrs.dilation[1],
        depthMultiplier=attrs.depth_multiplier,
        fusedActivationFunction=TFLITE_ACTIVATION[attrs.activation],
    )


def cases(rng: np.random.Generator) -> Iterator[Case]:
    kernels = [(3, 3), (1, 1), (2, 3), (5, 1), (10, 4)]
    multipliers = [1, 2, 1, 4, 1, 3]
    turn = 0
    yield _ordinary(rng, (3, 3), 1, (6, 7), 11, relu=True)
    yield _ordinary(rng, (3, 3), 1, (9, 2), 5)
    yield _ordinary(rng, (3, 3), 1, (1, 1), 4, relu=True)
    yield _ordinary(rng, (3, 3), 2, (7, 6), 4, relu=True)
    yield _ordinary(rng, (2, 2), 3, (7, 7), 6)
    yield _ordinary(rng, (5, 4), 1, (1, 1), 9)
    yield _ordinary(rng, (3, 3), 2, (9, 8), 9, relu=True)
    while True:
        for kernel in kernels:
            for padding in Padding:
                yield _case(rng, kernel, padding, multipliers[turn % len(multipliers)])
                turn += 1


def _ordinary(
    rng: np.random.Generator,
    kernel: tuple[int, int],
    stride: int,
    size: tuple[int, int],
    channels: int,
    *,
    relu: bool = False,
) -> Case:
    """One filter per channel, as tuned kernels have it, at sizes that are odd for them; one channel is switched off.
    With `relu` as converters have that."""
    x = activation_input("x", (1, *size, channels), quant(rng))
    fan_in = kernel[0] * kernel[1]
    w = weights(rng, (1, *kernel, channels), axis=3)
    w, b = idle_channel(w, bias(rng, x, w, channels, fan_in), channels - 2, axis=3)
    activation = Activation.RELU if relu else rng.choice(list(Activation))
    attrs = DepthwiseConv2DAttrs((stride, stride), (1, 1), Padding.SAME, 1, activation)
    y = sum_quant(rng, x, w, fan_in)
    return one_node(rng, "DEPTHWISE_CONV_2D", [x, w, b], from_zero(y) if relu else y, attrs)


def _case(rng: np.random.Generator, kernel: tuple[int, int], padding: Padding, multiplier: int) -> Case:
    dilation = tuple(int(rng.choice([1, 1, 1, 2, 3])) for _ in range(2))
    stride = (1, 1) if max(dilation) > 1 else (int(rng.integers(1, 4)),) * 2
    channels = int(rng.choice([1, 2, 5, 16, 17]))
    size = tuple((k - 1) * d + int(rng.integers(1, 8)) for k, d in zip(kernel, dilation, strict=True))
    x = activation_input("x", (int(rng.choice([1, 1, 2])), *size, channels), quant(rng))
    w = weights(rng, (1, *kernel, channels * multiplier), axis=3)
    fan_in = kernel[0] * kernel[1]
    b = [] if rng.random() < 0.2 else [bias(rng, x, w, w.shape[3], fan_in)]
    attrs = DepthwiseConv2DAttrs(stride, dilation, padding, multiplier, rng.choice(list(Activation)))
    return one_node(rng, "DEPTHWISE_CONV_2D", [x, w, *b], sum_quant(rng, x, w, fan_in), attrs)
