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
from edgeq.ops.conv_2d import Conv2DAttrs
from edgeq.ops.depthwise_conv_2d import DepthwiseConv2DAttrs
from edgeq.ops.fully_connected import FullyConnectedAttrs
from edgeq.ops.spatial import Padding
from edgeq.toolchain.build import build

from ..tools import needs_host, needs_qemu
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


def _fits(size, kernel, dilation) -> bool:
    return all(n > (k - 1) * d for n, k, d in zip(size, kernel, dilation, strict=True))


def _cases(op: str) -> list[Case]:
    rng = np.random.default_rng(SEED)
    if op == "FULLY_CONNECTED":
        ways = itertools.product((True, False), (0, None))
        return [_dense(rng, *way, *geometry) for way in ways for geometry in DENSE]
    cases = []
    for plain, padding in itertools.product((True, False), Padding):
        same = padding is Padding.SAME
        if op == "CONV_2D":
            fitting = [g for g in CONVOLUTIONS if same or _fits(g[3], g[0], g[2])]
            cases += [_convolution(rng, plain, padding, *geometry) for geometry in fitting]
        else:
            fitting = [g for g in DEPTHWISE if same or _fits(g[2], (3, 3), g[1])]
            cases += [_depthwise(rng, plain, padding, *geometry) for geometry in fitting]
    return cases


@functools.cache
def _merged(op: str):
    cases = _cases(op.removesuffix("-int4"))
    return merge([_with_int4(case) for case in cases] if op.endswith("int4") else cases)


def _with_int4(case: Case) -> Case:
    """The case with weights from -7 to 7, as quantizers make them."""
    w = case.graph.tensors["w"]
    values = np.sign(w.data) * (np.abs(w.data.astype(np.int16)) // 17).astype(np.int8)
    narrow = replace(w, dtype=DType.INT4, data=values, quant=replace(w.quant, scale=w.quant.scale * np.float32(17)))
    b = case.graph.tensors["b"]
    wider = replace(b, quant=replace(b.quant, scale=b.quant.scale * np.float32(17)))
    tensors = {**case.graph.tensors, "w": narrow, "b": wider}
    return replace(case, graph=replace(case.graph, tensors=tensors))


KERNELS = {
    "CONV_2D": "edgeq_convolve_mve_s8",
    "CONV_2D-int4": "edgeq_convolve_mve_s4",
    "DEPTHWISE_CONV_2D": "edgeq_depthwise_conv_3x3_mve_s8",
    "FULLY_CONNECTED": "edgeq_fully_connected_mve_s8",
    "FULLY_CONNECTED-int4": "edgeq_fully_connected_mve_s4",
}
SPEEDS = pytest.mark.parametrize("optimize", [Optimize.SPEED, Optimize.SIZE], ids=str)


@functools.cache
def _program(op: str):
    program = lower(_merged(op)[0], BOARDS["M55"].soc.cpu, Dialect.DOUBLE, KernelSetting.TUNED, Optimize.SPEED)
    used = [call.kernel for call in program.calls]
    # where int4 weights have few inputs, some factors are above a half
    assert used.count(KERNELS[op]) >= len(used) * (0.9 if op.endswith("int4") else 1)
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
