"""Convolutions with a ReLU on cores without the DSP extension, at shapes that are odd for their kernels: on the host
with the tables of both kinds of cores, and on both cores."""

from __future__ import annotations

import functools

import numpy as np
import pytest

from edgeq.device.session import open_host, open_qemu
from edgeq.ir import QuantParams
from edgeq.kernels import KernelSetting
from edgeq.lower import lower
from edgeq.ops import Activation
from edgeq.ops.conv_2d import Conv2DAttrs
from edgeq.ops.depthwise_conv_2d import DepthwiseConv2DAttrs
from edgeq.ops.spatial import Padding
from edgeq.program import Program
from edgeq.toolchain.build import build

from ..tools import needs_host, needs_qemu
from .graphs import Case, activation_input, bias, from_zero, idle_channel, one_node, quant, sum_quant, weights
from .test_firmware import BOARDS, assert_equal, merge, project

SAME, VALID = Padding.SAME, Padding.VALID
# Image, channels, kernel, stride, padding: rows of four, two and one pixel more, one row, one column, borders on two
# sides, strides above the kernel, channels of which none and some are left over from fours.
DEPTHWISE = [
    ((6, 9), 3, (1, 1), SAME),
    ((4, 7), 8, (1, 1), SAME),
    ((1, 5), 4, (1, 1), SAME),
    ((5, 3), 9, (1, 1), SAME),
    ((5, 1), 2, (1, 1), SAME),
    ((1, 1), 3, (1, 1), SAME),
    ((3, 8), 5, (1, 1), VALID),
    ((8, 8), 4, (2, 2), SAME),
    ((7, 9), 6, (2, 2), SAME),
    ((9, 12), 7, (4, 4), SAME),
    ((9, 13), 10, (5, 4), VALID),
    ((5, 11), 7, (1, 3), SAME),
]
# Of so few pixels that another kernel is as quick.
FEW = [((5, 1), 2, (1, 1), SAME), ((1, 1), 3, (1, 1), SAME)]
THREE_BY_THREE = "edgeq_depthwise_conv_3x3_words_s8"
# Image, channels of input and output, kernel, stride, padding, dilation.
CONVOLUTIONS = [
    ((8, 9), 3, 8, (3, 3), (2, 2), SAME, (1, 1)),
    ((6, 5), 3, 5, (3, 3), (1, 1), SAME, (1, 1)),
    ((1, 1), 1, 2, (1, 1), (1, 1), SAME, (1, 1)),
    ((1, 1), 5, 3, (3, 3), (1, 1), SAME, (1, 1)),
    ((4, 4), 8, 16, (1, 1), (1, 1), SAME, (1, 1)),
    ((3, 5), 19, 7, (1, 1), (1, 1), SAME, (1, 1)),
    ((7, 7), 2, 4, (1, 1), (3, 2), VALID, (1, 1)),
    ((9, 6), 1, 6, (5, 2), (2, 1), SAME, (1, 1)),
    ((6, 9), 2, 3, (3, 2), (1, 1), VALID, (2, 1)),
    ((5, 9), 3, 3, (2, 3), (1, 1), SAME, (1, 2)),
]
ZEROS = (-128, 127, 5)
# Each of them so often: not every channel has short words.
TIMES = 3


def depthwise(rng: np.random.Generator, zero: int, size, channels: int, stride, padding: Padding) -> Case:
    x = activation_input("x", (2, *size, channels), QuantParams(quant(rng).scale, [zero]))
    w = weights(rng, (1, 3, 3, channels), axis=3)
    w, b = idle_channel(w, bias(rng, x, w, channels, 9), channels // 2, axis=3)
    attrs = DepthwiseConv2DAttrs(stride, (1, 1), padding, 1, Activation.RELU)
    return one_node(rng, "DEPTHWISE_CONV_2D", [x, w, b], from_zero(sum_quant(rng, x, w, 9)), attrs)


def convolution(rng: np.random.Generator, zero: int, size, in_c: int, out_c: int, kernel, stride, padding, dilation):
    fan_in = kernel[0] * kernel[1] * in_c
    x = activation_input("x", (1, *size, in_c), QuantParams(quant(rng).scale, [zero]))
    w = weights(rng, (out_c, *kernel, in_c), axis=0)
    w, b = idle_channel(w, bias(rng, x, w, out_c, fan_in), out_c // 2, axis=0)
    attrs = Conv2DAttrs(stride, dilation, padding, Activation.RELU)
    return one_node(rng, "CONV_2D", [x, w, b], from_zero(sum_quant(rng, x, w, fan_in)), attrs)


@functools.cache
def cases():
    rng = np.random.default_rng(5)
    made = [depthwise(rng, ZEROS[i % 3], *row) for i, row in enumerate(DEPTHWISE * TIMES)]
    made += [convolution(rng, ZEROS[i % 3], *row) for i, row in enumerate(CONVOLUTIONS * TIMES)]
    return merge(made)


def program(core: str) -> Program:
    """The layers, of whose shapes each is run by the kernel that it is for."""
    model = lower(cases()[0], BOARDS[core].soc.cpu, kernels=KernelSetting.TUNED)
    short = [call.kernel == THREE_BY_THREE or bool(call.extras.get("short", [0])[0]) for call in model.calls]
    shapes = len(DEPTHWISE) * TIMES
    depthwise = np.reshape(short[:shapes], (TIMES, -1)).any(axis=0)
    convolutions = np.reshape(short[shapes:], (TIMES, -1)).any(axis=0)
    assert convolutions.all() and [row for row, runs in zip(DEPTHWISE, depthwise, strict=True) if not runs] == FEW
    return model


@needs_host
@pytest.mark.parametrize("core", ["M3", "M0"])
def test_host_equals_the_simulator(core, tmp_path):
    model = program(core)
    project(core, model, tmp_path / "firmware", None)
    assert_equal(model, open_host(build(tmp_path / "firmware", "host")), cases()[1])


@needs_qemu
@pytest.mark.parametrize("core", ["M3", "M0"])
def test_emulated_core_equals_the_simulator(core, tmp_path):
    model = program(core)
    project(core, model, tmp_path / "firmware", None)
    session = open_qemu(BOARDS[core], build(tmp_path / "firmware", "target"), icount=False)
    assert_equal(model, session, cases()[1])
