"""Transposed convolutions: windows that overlap, that leave gaps, and that lie partly outside the result."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from edgeq.ops.spatial import Padding
from edgeq.ops.transpose_conv import TransposeConvAttrs

from ..graphs import Case, activation_input, bias, constant, one_node, quant, sum_quant, weights
from ..one_op import TFLITE_ACTIVATION, TFLITE_PADDING
from ..one_op import options as table


def options(attrs: TransposeConvAttrs) -> Any:
    return table(
        "TransposeConvOptions",
        padding=TFLITE_PADDING[attrs.padding],
        strideH=attrs.stride[0],
        strideW=attrs.stride[1],
        fusedActivationFunction=TFLITE_ACTIVATION[attrs.activation],
    )


def cases(rng: np.random.Generator) -> Iterator[Case]:
    while True:
        for kernel in ((3, 3), (1, 1), (2, 4), (5, 2)):
            for padding in Padding:
                yield _case(rng, kernel, padding)


def _case(rng: np.random.Generator, kernel: tuple[int, int], padding: Padding) -> Case:
    stride = tuple(int(s) for s in rng.integers(1, 4, 2))
    size = tuple(int(s) for s in rng.integers(1, 5, 2))
    in_c, out_c, batch = int(rng.integers(1, 6)), int(rng.integers(1, 5)), int(rng.choice([1, 1, 2]))
    # SAME: any size that the transposed convolution reduces to the input's
    out = [
        n * s - (int(rng.integers(0, s)) if padding is Padding.SAME else min(0, s - k))
        for n, s, k in zip(size, stride, kernel, strict=True)
    ]
    shape = constant("shape", np.array([batch, *out, out_c], np.int32))
    x = activation_input("x", (batch, *size, in_c), quant(rng))
    w = weights(rng, (out_c, *kernel, in_c), axis=rng.choice([0, None], p=[0.8, 0.2]))
    fan_in = max(1, kernel[0] * kernel[1] // (stride[0] * stride[1])) * in_c
    b = bias(rng, x, w, out_c, fan_in) if rng.random() < 0.7 else None
    attrs = TransposeConvAttrs(stride, padding)
    return one_node(rng, "TRANSPOSE_CONV", [shape, w, x, b][: 4 if b else 3], sum_quant(rng, x, w, fan_in), attrs)
