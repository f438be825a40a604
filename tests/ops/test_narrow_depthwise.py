"""Depthwise convolutions with ternary and binary weights on cores with the DSP extension, at shapes that are odd for
their kernels: on the host and on the core, also by small code."""

from __future__ import annotations

import functools
import itertools

import numpy as np
import pytest

from edgeq.device.session import open_host, open_qemu
from edgeq.ir import DType, QuantParams
from edgeq.kernels import Optimize
from edgeq.lower import lower
from edgeq.ops import Activation
from edgeq.ops.depthwise_conv_2d import DepthwiseConv2DAttrs
from edgeq.ops.spatial import Padding
from edgeq.program import Program
from edgeq.toolchain.build import build

from ..tools import needs_host, needs_qemu
from .formats import with_narrow_weights
from .graphs import Case, activation_input, bias, from_zero, idle_channel, one_node, quant, sum_quant, weights
from .test_firmware import BOARDS, assert_equal, merge, project

SAME, VALID = Padding.SAME, Padding.VALID
ONE = (1, 1)
# By kernel: image, channels, window, stride, dilation, padding. Lines of an odd and an even number of pixels, of one
# and two, as rows and as columns; channels of which none and some are left over from fours.
SHAPES = {
    "edgeq_depthwise_conv_3x3_narrow_dsp_s8": [
        ((6, 8), 4, (3, 3), ONE, ONE, SAME),
        ((7, 5), 8, (3, 3), ONE, ONE, SAME),
        ((4, 7), 5, (3, 3), ONE, ONE, SAME),
        ((9, 4), 7, (3, 3), ONE, ONE, SAME),
        ((5, 2), 6, (3, 3), ONE, ONE, SAME),
        ((2, 2), 13, (3, 3), ONE, ONE, SAME),
    ],
    "edgeq_depthwise_conv_nine_narrow_dsp_s8": [
        ((1, 1), 4, (3, 3), ONE, ONE, SAME),
        ((3, 8), 5, (3, 3), ONE, ONE, VALID),
        ((8, 8), 12, (3, 3), (2, 2), ONE, SAME),
        ((7, 9), 6, (3, 3), (2, 2), ONE, SAME),
        ((9, 12), 7, (3, 3), (4, 3), ONE, SAME),
        ((9, 8), 9, (3, 3), ONE, (2, 3), SAME),
        ((3, 3), 21, (3, 3), (2, 2), (3, 3), SAME),
        ((11, 10), 4, (3, 3), (2, 1), ONE, VALID),
    ],
    "edgeq_depthwise_conv_narrow_dsp_s8": [
        ((6, 7), 8, (5, 5), ONE, ONE, SAME),
        ((5, 5), 13, (5, 5), (2, 2), ONE, SAME),
        ((9, 1), 4, (3, 1), ONE, ONE, SAME),
        ((1, 9), 6, (1, 4), (1, 2), ONE, SAME),
        ((4, 5), 5, (2, 3), ONE, (2, 3), SAME),
        ((8, 7), 7, (4, 2), (2, 1), ONE, VALID),
        ((2, 2), 10, (7, 8), ONE, ONE, SAME),
        ((3, 4), 9, (1, 1), ONE, ONE, SAME),
        ((2, 2), 4, (2, 2), ONE, (5, 5), SAME),
    ],
}
ZEROS = (-128, 127, 5)
# What becomes of results: cut off at the lowest integer, whole, between narrower limits.
ENDS = ("relu", "whole", "relu6")


def case(rng: np.random.Generator, shape: tuple, zero: int, end: str, dtype: DType) -> Case:
    size, channels, window, stride, dilation, padding = shape
    x = activation_input("x", (2, *size, channels), QuantParams(quant(rng).scale, [zero]))
    w = weights(rng, (1, *window, channels), axis=3)
    fan_in = window[0] * window[1]
    w, b = idle_channel(w, bias(rng, x, w, channels, fan_in), channels // 2, axis=3)
    y = sum_quant(rng, x, w, fan_in)
    activation = Activation.RELU6 if end == "relu6" else Activation.RELU if end == "relu" else Activation.NONE
    attrs = DepthwiseConv2DAttrs(stride, dilation, padding, 1, activation)
    plain = one_node(rng, "DEPTHWISE_CONV_2D", [x, w, b], from_zero(y) if end == "relu" else y, attrs)
    return with_narrow_weights(plain, dtype, rng)


@functools.cache
def cases():
    rng = np.random.default_rng(7)
    made = []
    for shape in (shape for shapes in SHAPES.values() for shape in shapes):
        for dtype in (DType.TERNARY, DType.BINARY):
            made += [case(rng, shape, ZEROS[(len(made) + i) % 3], end, dtype) for i, end in enumerate(ENDS)]
    return merge(made)


@functools.cache
def program() -> Program:
    """Every kernel runs filters of both types, with and without gaps; few layers have factors too large for them."""
    model = lower(cases()[0], BOARDS["M4"].soc.cpu)
    kinds = [(call.kernel, *map(bool, call.extras["kind"][1:])) for call in model.calls if "kind" in call.extras]
    assert set(kinds) == {(name, *kind) for name in SHAPES for kind in itertools.product((False, True), repeat=2)}
    assert len(kinds) > 0.9 * len(model.calls)
    return model


def test_weights_are_packed_in_two_bits_or_one():
    for call in program().calls:
        if "kind" in call.extras:
            w, packed = call.params.weights, call.extras["packed"]
            bits = 1 if call.params.weight_type == "binary" else 2
            # three bytes more, so that any weight can be read with those behind it
            assert packed.nbytes == -(-bits * w.size // 8) + 3
            assert call.extras["quant"].nbytes <= 12 * w.shape[3]


@needs_host
def test_host_equals_the_simulator(tmp_path):
    model = program()
    project("M4", model, tmp_path / "firmware", Optimize.SPEED)
    assert_equal(model, open_host(build(tmp_path / "firmware", "host")), cases()[1])


@needs_qemu
@pytest.mark.parametrize("optimize", [Optimize.SPEED, Optimize.SIZE])
def test_emulated_core_equals_the_simulator(optimize, tmp_path):
    model = program()
    project("M4", model, tmp_path / "firmware", optimize)
    session = open_qemu(BOARDS["M4"], build(tmp_path / "firmware", "target"), icount=False)
    assert_equal(model, session, cases()[1])
