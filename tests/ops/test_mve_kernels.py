"""Kernels for the vector extension in every shape that has code of its own, on the host and on an emulated M55.

The conformance cases are the same for all cores; these are the borders between the ways that these kernels have.
"""

from __future__ import annotations

import functools
import itertools
from dataclasses import replace

import numpy as np
import pytest

from edgeq.device.session import open_host, open_qemu
from edgeq.fixedpoint import Dialect
from edgeq.ir import DType, QuantParams
from edgeq.kernels import KernelSetting, Optimize
from edgeq.lower import lower
from edgeq.ops import Activation
from edgeq.ops.binary_conv_2d import BinaryConv2DAttrs
from edgeq.ops.binary_fully_connected import BinaryFullyConnectedAttrs
from edgeq.ops.conv_2d import Conv2DAttrs
from edgeq.ops.depthwise_conv_2d import DepthwiseConv2DAttrs
from edgeq.ops.fully_connected import FullyConnectedAttrs
from edgeq.ops.spatial import Padding
from edgeq.toolchain.build import build

from ..tools import needs_host, needs_qemu
from . import binary
from .graphs import Case, activation_input, bias, one_node, quant, sum_quant, weights
from .test_firmware import BOARDS, assert_equal, merge, project

SEED = 355
ONE, TWO, FIVE = (1, 1), (2, 2), (5, 5)

# kernel, stride, dilation, height and width, channels, the result's channels
CONVOLUTIONS = [
    # a row of up to sixteen bytes, of up to 32, of up to eighty, longer; odd numbers of pixels, one
    *(((1, 1), ONE, ONE, (3, 5), channels, 9) for channels in (1, 8, 15, 16, 17, 24, 31, 32, 33, 64, 65, 80, 81, 106)),
    *(((1, 1), ONE, ONE, (2, 4), 16 * steps + 3, 4) for steps in range(6)),
    *(((1, 1), ONE, ONE, (2, 2), 20, channels) for channels in (4, 5, 6, 7, 8, 12, 13)),
    *(((1, 1), ONE, ONE, (1, 1), channels, 5) for channels in (3, 16, 30, 70)),
    ((1, 1), TWO, ONE, (5, 6), 12, 8),
    ((1, 1), (3, 2), ONE, (7, 5), 40, 6),
    # three rows of eight to ten bytes, and of one less and more
    *(((3, width), ONE, ONE, (6, 13), 1, 8) for width in (7, 8, 9, 10, 11)),
    ((3, 3), ONE, ONE, (6, 7), 3, 8),
    ((3, 3), TWO, ONE, (8, 8), 3, 8),
    ((3, 3), TWO, ONE, (7, 9), 3, 5),
    ((3, 3), FIVE, ONE, (11, 12), 3, 4),
    ((3, 3), ONE, (2, 1), (9, 6), 3, 7),
    ((3, 3), ONE, (1, 2), (6, 9), 3, 4),
    ((3, 3), ONE, ONE, (1, 1), 3, 6),
    ((3, 3), ONE, ONE, (3, 3), 3, 4),
    ((3, 4), TWO, ONE, (5, 8), 2, 12),
    ((3, 2), (1, 2), ONE, (4, 9), 5, 4),
    # columns; rows of whole sixteens; rows of others
    ((5, 1), ONE, ONE, (7, 4), 6, 5),
    ((2, 3), TWO, ONE, (6, 7), 5, 8),
    ((10, 4), TWO, ONE, (12, 5), 1, 8),
    ((3, 3), ONE, ONE, (5, 5), 16, 6),
    ((3, 3), TWO, ONE, (5, 6), 16, 8),
    ((2, 2), ONE, ONE, (4, 4), 32, 4),
    ((3, 3), ONE, ONE, (4, 5), 11, 7),
    ((3, 3), (4, 4), ONE, (9, 9), 7, 4),
]
# stride, dilation, height and width, channels
DEPTHWISE = [
    *((ONE, ONE, (5, 6), channels) for channels in (1, 3, 8, 9, 15, 16, 17, 24, 30, 32, 41, 48)),
    *((TWO, ONE, (6, 7), channels) for channels in (2, 8, 16, 19, 32)),
    *((ONE, ONE, size, 8) for size in ((1, 1), (1, 2), (2, 1), (2, 2), (3, 3), (3, 4), (4, 9), (1, 7), (7, 1))),
    *((ONE, ONE, size, 16) for size in ((1, 1), (1, 2), (2, 1), (2, 2), (3, 3), (4, 8), (1, 7), (7, 1))),
    *((ONE, ONE, size, 21) for size in ((1, 1), (2, 2), (3, 3), (1, 7), (7, 1))),
    (ONE, TWO, (7, 8), 8),
    (ONE, (1, 4), (3, 3), 8),
    (ONE, (4, 3), (4, 5), 8),
    (ONE, (2, 3), (6, 9), 16),
    (ONE, (3, 1), (4, 5), 18),
    (FIVE, ONE, (12, 13), 8),
    (FIVE, ONE, (12, 13), 33),
    ((2, 1), ONE, (6, 6), 8),
    ((1, 2), ONE, (6, 6), 8),
    ((1, 3), ONE, (4, 8), 16),
]
# batches, inputs, units
DENSE = [
    *((1, inputs, 9) for inputs in (15, 16, 17, 31, 33, 64, 100)),
    *((2, 40, units) for units in (1, 2, 3, 4, 5, 8)),
    (3, 7, 6),
]


def _quants(rng: np.random.Generator, plain: bool) -> tuple[QuantParams, Activation]:
    """The operand's quantization, and an activation: nothing that limits but int8, or whatever comes."""
    if plain:
        return QuantParams(quant(rng).scale, [-128]), Activation.RELU
    return quant(rng), rng.choice(list(Activation))


def _output(found: QuantParams, plain: bool) -> QuantParams:
    return QuantParams(found.scale, [-128]) if plain else found


def _convolution(rng, plain, padding, kernel, stride, dilation, size, channels, out) -> Case:
    operand, activation = _quants(rng, plain)
    images = int(rng.integers(1, 3))
    x = activation_input("x", (images, *size, channels), operand)
    w = weights(rng, (out, *kernel, channels), axis=0)
    fan_in = kernel[0] * kernel[1] * channels
    result = _output(sum_quant(rng, x, w, fan_in), plain)
    attrs = Conv2DAttrs(stride, dilation, padding, activation)
    return one_node(rng, "CONV_2D", [x, w, bias(rng, x, w, out, fan_in)], result, attrs)


def _depthwise(rng, plain, padding, stride, dilation, size, channels) -> Case:
    operand, activation = _quants(rng, plain)
    images = int(rng.integers(1, 3))
    x = activation_input("x", (images, *size, channels), operand)
    w = weights(rng, (1, 3, 3, channels), axis=3)
    result = _output(sum_quant(rng, x, w, 9), plain)
    attrs = DepthwiseConv2DAttrs(stride, dilation, padding, 1, activation)
    return one_node(rng, "DEPTHWISE_CONV_2D", [x, w, bias(rng, x, w, channels, 9)], result, attrs)


def _dense(rng, plain, axis, batches, inputs, units) -> Case:
    operand, activation = _quants(rng, plain)
    x = activation_input("x", (batches, inputs), operand)
    w = weights(rng, (units, inputs), axis=axis)
    result = _output(sum_quant(rng, x, w, inputs), plain)
    b = bias(rng, x, w, units, inputs)
    return one_node(rng, "FULLY_CONNECTED", [x, w, b], result, FullyConnectedAttrs(activation))


def _signs(rng, op, x_shape, w_shape, attrs: type, *arguments) -> Case:
    return binary.layer(rng, op, x_shape, w_shape, lambda levels: attrs(*arguments, levels=levels))


def _convolution_of_signs(rng, _, padding, kernel, stride, dilation, size, channels, out) -> Case:
    images, activation = int(rng.integers(1, 3)), rng.choice(list(Activation))
    shapes = (images, *size, channels), (out, *kernel, channels)
    return _signs(rng, "BINARY_CONV_2D", *shapes, BinaryConv2DAttrs, stride, dilation, padding, activation)


def _dense_of_signs(rng, _, axis, batches, inputs, units) -> Case:
    shapes = (batches, inputs), (units, inputs)
    activation = rng.choice(list(Activation))
    return _signs(rng, "BINARY_FULLY_CONNECTED", *shapes, BinaryFullyConnectedAttrs, activation)


def _fits(size, kernel, dilation) -> bool:
    return all(n > (k - 1) * d for n, k, d in zip(size, kernel, dilation, strict=True))


def _cases(op: str) -> list[Case]:
    rng = np.random.default_rng(SEED)
    if op.endswith("FULLY_CONNECTED"):
        make = _dense_of_signs if op.startswith("BINARY") else _dense
        ways = itertools.product((True, False), (0, None))
        return [make(rng, *way, *geometry) for way in ways for geometry in DENSE]
    cases = []
    for plain, padding in itertools.product((True, False), Padding):
        same = padding is Padding.SAME
        if op in ("CONV_2D", "BINARY_CONV_2D"):
            make = _convolution_of_signs if op.startswith("BINARY") else _convolution
            fitting = [g for g in CONVOLUTIONS if same or _fits(g[3], g[0], g[2])]
            cases += [make(rng, plain, padding, *geometry) for geometry in fitting]
        else:
            fitting = [g for g in DEPTHWISE if same or _fits(g[2], (3, 3), g[1])]
            cases += [_depthwise(rng, plain, padding, *geometry) for geometry in fitting]
    return cases


@functools.cache
def _merged(op: str):
    op, _, narrow = op.partition("-")
    cases = [_narrowed(case, DType(narrow)) if narrow else case for case in _cases(op)]
    return merge([_with_step(case, STEPS.get(narrow or op, 1)) if i % 2 else case for i, case in enumerate(cases)])


def _with_step(case: Case, factor: float) -> Case:
    """The case with results in other steps; in smaller ones of inputs near their zero point, lest all saturate."""
    x, y = (case.graph.tensors[name] for name in (case.graph.inputs[0], case.graph.outputs[0]))
    other = replace(y, quant=replace(y.quant, scale=y.quant.scale * np.float32(factor)))
    inputs = case.inputs
    if factor < 1:
        zero = int(x.quant.zero_point[0])
        inputs = (((case.inputs[0].astype(np.int16) - zero) // 64 + zero).astype(np.int8),)
    return replace(case, graph=replace(case.graph, tensors={**case.graph.tensors, y.name: other}), inputs=inputs)


# By what every second result's step is multiplied: some layers have factors of a half and more, some none.
STEPS = {"ternary": 1 / 8, "binary": 1 / 8, "BINARY_CONV_2D": 30, "BINARY_FULLY_CONNECTED": 30}
# What int8 weights are divided by: int4 ones reach from -7 to 7, as quantizers make them.
NARROWER = {DType.INT4: 17, DType.TERNARY: 64, DType.BINARY: 64}


def _narrowed(case: Case, dtype: DType) -> Case:
    """The case with weights of another type."""
    w = case.graph.tensors["w"]
    factor = NARROWER[dtype]
    values = np.sign(w.data) * (np.abs(w.data.astype(np.int16)) // factor).astype(np.int8)
    if dtype is DType.BINARY:
        values = np.where(w.data < 0, -1, 1).astype(np.int8)
    narrow = replace(w, dtype=dtype, data=values, quant=replace(w.quant, scale=w.quant.scale * np.float32(factor)))
    b = case.graph.tensors["b"]
    wider = replace(b, data=b.data // factor, quant=replace(b.quant, scale=b.quant.scale * np.float32(factor)))
    tensors = {**case.graph.tensors, "w": narrow, "b": wider}
    return replace(case, graph=replace(case.graph, tensors=tensors))


KERNELS = {
    "CONV_2D": "edgeq_convolve_mve_s8",
    "CONV_2D-int4": "edgeq_convolve_mve_s4",
    "CONV_2D-ternary": "edgeq_convolve_ternary_mve_s8",
    "CONV_2D-binary": "edgeq_convolve_ternary_mve_s8",
    "DEPTHWISE_CONV_2D": "edgeq_depthwise_conv_3x3_mve_s8",
    "BINARY_CONV_2D": "edgeq_binary_convolve_mve_s8",
    "BINARY_FULLY_CONNECTED": "edgeq_binary_fully_connected_mve_s8",
    "FULLY_CONNECTED": "edgeq_fully_connected_mve_s8",
    "FULLY_CONNECTED-int4": "edgeq_fully_connected_mve_s4",
    "FULLY_CONNECTED-ternary": "edgeq_fully_connected_ternary_mve_s8",
    "FULLY_CONNECTED-binary": "edgeq_fully_connected_binary_mve_s8",
}
# How many of the layers at least run by them: where int4 weights have few inputs, some factors are above a half; where
# signs are few, tables of sums are the cheaper way.
LEAST = {"CONV_2D-int4": 0.9, "FULLY_CONNECTED-int4": 0.9, "BINARY_CONV_2D": 0.5, "BINARY_FULLY_CONNECTED": 0.5}
SPEEDS = pytest.mark.parametrize("optimize", [Optimize.SPEED, Optimize.SIZE], ids=str)


@functools.cache
def _program(op: str):
    program = lower(_merged(op)[0], BOARDS["M55"].soc.cpu, Dialect.DOUBLE, KernelSetting.TUNED, Optimize.SPEED)
    used = [call.kernel for call in program.calls]
    assert used.count(KERNELS[op]) >= len(used) * LEAST.get(op, 1)
    return program


@needs_host
@pytest.mark.parametrize("op", KERNELS)
def test_host_equals_the_simulator(op, tmp_path):
    project("M55", _program(op), tmp_path / "firmware", Optimize.SPEED)
    assert_equal(_program(op), open_host(build(tmp_path / "firmware", "host")), _merged(op)[1])


@needs_qemu
@SPEEDS
@pytest.mark.parametrize("op", KERNELS)
def test_emulated_core_equals_the_simulator(op, optimize, tmp_path):
    """Small code has fewer ways."""
    project("M55", _program(op), tmp_path / "firmware", optimize)
    session = open_qemu(BOARDS["M55"], build(tmp_path / "firmware", "target"), icount=False)
    assert_equal(_program(op), session, [x[:1] for x in _merged(op)[1]])
