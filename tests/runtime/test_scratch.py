"""What CMSIS-NN v7's own get_buffer_size functions answered for shapes that take each of its paths; they are asked
themselves in test_scratch_of_arm.py."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from edgeq.kernels import cmsis_nn_scratch as scratch
from edgeq.kernels import cmsis_nn_scratch_s4 as scratch_s4

M0, M4, M55 = (SimpleNamespace(dsp=d, mve=m) for d, m in ((False, False), (True, False), (True, True)))
ONE = (1, 1)


CONVOLUTIONS = [
    # input, filter, output, stride, padding, dilation: bytes on M0, M4, M55; sound on M55
    ((1, 8, 8, 16), (32, 1, 1, 16), (1, 8, 8, 32), ONE, (0, 0), ONE, 0, 0, 0, True),
    ((1, 8, 8, 16), (32, 1, 1, 16), (1, 4, 4, 32), (2, 2), (0, 0), ONE, 0, 0, 0, True),
    ((1, 32, 32, 3), (16, 3, 3, 3), (1, 32, 32, 16), ONE, ONE, ONE, 112, 112, 128, True),
    ((1, 49, 10, 1), (64, 10, 4, 1), (1, 25, 5, 64), (2, 2), (4, 1), ONE, 160, 160, 192, True),
    ((1, 6, 6, 8), (4, 3, 3, 2), (1, 6, 6, 4), ONE, ONE, ONE, 288, 288, 320, True),
    ((1, 8, 8, 4), (4, 3, 3, 4), (1, 8, 8, 4), ONE, (2, 2), (2, 2), 144, 144, 192, True),
    ((1, 1, 50, 16), (8, 1, 5, 16), (1, 1, 50, 8), ONE, (0, 2), ONE, 320, 320, 112, True),
    ((1, 1, 50, 16), (8, 1, 5, 16), (1, 1, 46, 8), ONE, (0, 0), ONE, 320, 320, 80, True),
    ((1, 1, 10, 2), (2, 1, 3, 2), (1, 1, 4, 2), (1, 2), (0, 0), ONE, 32, 32, 6, False),
    ((1, 1, 10, 4), (5, 1, 4, 4), (1, 1, 4, 5), (1, 3), (0, 1), ONE, 64, 64, 20, False),
    ((1, 1, 10, 4), (5, 1, 4, 4), (1, 1, 10, 5), ONE, (0, 1), ONE, 64, 64, 20, True),
    ((1, 1, 3, 4), (5, 1, 7, 4), (1, 1, 3, 5), ONE, (0, 3), ONE, 112, 112, 128, True),
]
DEPTHWISE = [
    ((1, 8, 8, 16), (1, 3, 3, 16), (1, 8, 8, 16), ONE, ONE, ONE, 0, 0, 4464),
    ((1, 8, 8, 16), (1, 5, 5, 16), (1, 8, 8, 16), ONE, (2, 2), ONE, 0, 800, 12400),
    ((2, 8, 8, 16), (1, 3, 3, 16), (2, 8, 8, 16), ONE, ONE, ONE, 0, 0, 0),
    ((1, 8, 8, 16), (1, 3, 3, 16), (1, 4, 4, 16), ONE, (0, 0), (2, 2), 0, 0, 0),
    ((1, 8, 8, 4), (1, 3, 3, 8), (1, 8, 8, 8), ONE, ONE, ONE, 0, 0, 0),
    ((1, 49, 10, 1), (1, 10, 4, 64), (1, 25, 5, 64), (2, 2), (4, 1), ONE, 0, 0, 2752),
]


@pytest.mark.parametrize("case", CONVOLUTIONS)
def test_convolve(case: tuple) -> None:
    *arguments, m0, m4, m55, sound = case
    assert [scratch.convolve_wrapper_s8(cpu, *arguments) for cpu in (M0, M4, M55)] == [m0, m4, m55]
    assert [scratch.convolve_wrapper_s8_is_sound(cpu, *arguments) for cpu in (M0, M4, M55)] == [True, True, sound]


@pytest.mark.parametrize("case", DEPTHWISE)
def test_depthwise(case: tuple) -> None:
    *arguments, m0, m4, m55 = case
    assert [scratch.depthwise_conv_wrapper_s8(cpu, *arguments) for cpu in (M0, M4, M55)] == [m0, m4, m55]


def test_int4() -> None:
    """Images of one row, and one channel with many filters, are not left to the library on the M55."""
    sizes = [(108, 108, 128), (160, 160, 192), (288, 288, 320), (144, 144, 192)]
    for (inputs, weights, _, *window, _, _, _, _), answers in zip(CONVOLUTIONS[2:6], sizes, strict=True):
        assert tuple(scratch_s4.convolve(cpu, inputs, weights, *window) for cpu in (M0, M4, M55)) == answers
    for (inputs, weights, _, _, _, dilation, *_), answer in zip(DEPTHWISE[:4], (288, 800, 0, 0), strict=True):
        assert [scratch_s4.depthwise(cpu, inputs, weights, dilation) for cpu in (M0, M4)] == [answer] * 2


def test_depthwise_3x3_with_two_columns_of_padding_is_not_sound() -> None:
    arguments = (1, 4, 4, 8), (1, 3, 3, 8), (1, 4, 5, 8), ONE, ONE, ONE
    sound = [scratch.depthwise_conv_wrapper_s8_is_sound(cpu, *arguments) for cpu in (M0, M4, M55)]
    assert sound == [False, False, True]


def test_fully_connected_and_pooling() -> None:
    assert [scratch.fully_connected_s8(cpu, 10) for cpu in (M0, M4, M55)] == [0, 0, 40]
    assert [scratch.avgpool_s8(cpu, 64) for cpu in (M0, M4, M55)] == [0, 256, 0]
    assert [scratch.softmax_s8(cpu) for cpu in (M0, M4, M55)] == [0, 0, 0]


def test_fully_connected_sums_complete_the_product() -> None:
    rng = np.random.default_rng(5)
    w, x = rng.integers(-128, 128, (7, 33)), rng.integers(-128, 128, 33)
    bias = rng.integers(-1000, 1000, 7).astype(np.int32)
    sums = scratch.fully_connected_sums(w.astype(np.int8), bias, input_offset=128, filter_offset=-5)
    np.testing.assert_array_equal(sums + w @ x - 5 * x.sum(), (w - 5) @ (x + 128) + bias)
    with pytest.raises(OverflowError):
        scratch.fully_connected_sums(w.astype(np.int8), np.full(7, (1 << 31) - 1, np.int32), input_offset=128)
