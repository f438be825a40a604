"""Our own kernels against NumPy: shapes of every rank, broadcasting, refusals. Conformance of whole operators is
tested in tests/ops."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence

import numpy as np
import pytest

from edgeq.fixedpoint import requantize, saturate

NO = ctypes.c_bool(False)
ARG_ERROR = -1
CASES = range(200)


def pointer(a: np.ndarray) -> ctypes.c_void_p:
    return a.ctypes.data_as(ctypes.c_void_p)


def ints(values: Sequence[int]) -> np.ndarray:
    return np.array(values, np.int32)


def element_strides(a: np.ndarray) -> np.ndarray:
    return ints([0 if size == 1 else stride for size, stride in zip(a.shape, a.strides, strict=True)])


def draw_int8(rng: np.random.Generator, shape: Sequence[int]) -> np.ndarray:
    extreme = rng.random() < 0.3
    return (rng.choice([-128, 127], shape) if extreme else rng.integers(-128, 128, shape)).astype(np.int8)


def factor(rng: np.random.Generator, low: int, high: int) -> tuple[int, int]:
    return int(rng.integers(1 << 30, 1 << 31)), int(rng.integers(low, high))


def test_lookup(runtime: ctypes.CDLL) -> None:
    rng = np.random.default_rng(2)
    table = rng.permutation(256).astype(np.uint8).view(np.int8)
    x = np.arange(-128, 128).astype(np.int8)
    assert runtime.edgeq_lookup_s8(pointer(x), 256, pointer(table), pointer(x)) == 0
    np.testing.assert_array_equal(x, table)
    assert runtime.edgeq_lookup_s8(pointer(x), -1, pointer(table), pointer(x)) == ARG_ERROR


@pytest.mark.parametrize("seed", CASES)
def test_mean(runtime: ctypes.CDLL, seed: int) -> None:
    rng = np.random.default_rng(seed)
    rank = int(rng.integers(1, 7))
    x = draw_int8(rng, rng.integers(1, 5, rank))
    is_reduced = rng.random(rank) < 0.5
    kept, reduced = np.flatnonzero(~is_reduced), np.flatnonzero(is_reduced)
    shape, strides = ints(x.shape), ints(x.strides)
    multiplier, shift = factor(rng, -8, 1)
    offset, zero = int(rng.integers(-127, 129)), int(rng.integers(-128, 128))
    sums = x.astype(np.int64).sum(axis=tuple(reduced))
    count = x.size // sums.size
    out = np.empty(sums.shape, np.int8)
    arrays = shape[kept], strides[kept], shape[reduced], strides[reduced]
    kept_dims, kept_strides, reduced_dims, reduced_strides = map(pointer, arrays)
    status = runtime.edgeq_mean_s8(
        pointer(x), len(kept), kept_dims, kept_strides, len(reduced), reduced_dims, reduced_strides,
        count * offset, multiplier, shift, zero, pointer(out),
    )  # fmt: skip
    assert status == 0
    expected = saturate(requantize(sums + count * offset, multiplier, shift) + zero, -128, 127)
    np.testing.assert_array_equal(out, expected)


@pytest.mark.parametrize("seed", CASES)
@pytest.mark.parametrize("name", ["add", "sub", "mul"])
def test_broadcast(runtime: ctypes.CDLL, name: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    rank = int(rng.integers(0, 7))
    shape = rng.integers(1, 5, rank)
    a, b = (draw_int8(rng, np.where(rng.random(rank) < 0.4, 1, shape)) for _ in range(2))
    dims = np.broadcast_shapes(a.shape, b.shape)
    low, high = sorted(rng.integers(-128, 128, 2).tolist())
    offset_a, offset_b = rng.integers(-127, 129, 2).tolist()
    zero = int(rng.integers(-128, 128))
    out = np.empty(dims, np.int8)
    arrays = ints(dims), element_strides(a), element_strides(b)
    head = pointer(a), pointer(b), rank, *map(pointer, arrays)
    wide_a, wide_b = a.astype(np.int64) + offset_a, b.astype(np.int64) + offset_b
    if name == "mul":
        m, s = factor(rng, -12, -2)
        status = runtime.edgeq_mul_broadcast_s8(*head, offset_a, offset_b, pointer(out), zero, m, s, low, high)
        y = requantize(wide_a * wide_b, m, s)
    else:
        (ma, sa), (mb, sb), (m, s) = factor(rng, -6, 1), factor(rng, -6, 1), factor(rng, -21, -17)
        function = getattr(runtime, f"edgeq_{name}_broadcast_s8")
        status = function(
            *head, offset_a, ma, sa, offset_b, mb, sb, 20, pointer(out), zero, m, s, low, high
        )  # fmt: skip
        first, second = requantize(wide_a << 20, ma, sa), requantize(wide_b << 20, mb, sb)
        y = requantize(first + second if name == "add" else first - second, m, s)
    assert status == 0
    np.testing.assert_array_equal(out, saturate(y + zero, low, high))


def test_bad_shapes_are_refused(runtime: ctypes.CDLL) -> None:
    x, dims = np.zeros(4, np.int8), ints([1, 1, 1, 1, 1, 1, 1])
    p, d = pointer(x), pointer(dims)
    scalars = (0, 0, p, 0, 1 << 30, 0, -128, 127)
    assert runtime.edgeq_mul_broadcast_s8(p, p, 7, d, d, d, *scalars) == ARG_ERROR
    empty = pointer(ints([0]))
    assert runtime.edgeq_mul_broadcast_s8(p, p, 1, empty, d, d, *scalars) == ARG_ERROR
    assert runtime.edgeq_mean_s8(p, 7, d, d, 0, d, d, 0, 1 << 30, 0, 0, p) == ARG_ERROR
    assert runtime.edgeq_mean_s8(p, 0, d, d, 1, empty, d, 0, 1 << 30, 0, 0, p) == ARG_ERROR


class Context(ctypes.Structure):
    """cmsis_nn_context."""

    _fields_ = (("buf", ctypes.c_void_p), ("size", ctypes.c_int32))


@pytest.mark.parametrize(
    ("stride", "channels", "filter_height", "copies_all", "room"),
    [(0, 4, 3, False, 72), (1, 1, 3, False, 72), (1, 4, 0, False, 72), (1, 4, 3, False, 71), (1, 4, 3, True, 0)],
)
@pytest.mark.parametrize("kernel", ["convolve_dsp_s8", "convolve_2x2_ternary_dsp_s8", "convolve_2x2_binary_dsp_s8"])
def test_a_tuned_convolution_refuses(
    runtime: ctypes.CDLL, kernel: str, stride: int, channels: int, filter_height: int, copies_all: bool, room: int
) -> None:
    """A stride of 0, rows of three bytes, an empty filter, room for less than two windows of 3x3x4 at the border."""
    zeros = pointer(np.zeros(256, np.int32))
    scratch = np.zeros(72, np.int8)
    params = pointer(ints([0, 0, stride, stride, 1, 1, 1, 1, -128, 127]))
    image, filters = pointer(ints([1, 5, 5, channels])), pointer(ints([2, filter_height, 3, channels]))
    result = pointer(ints([1, 5, 5, 2]))
    context = Context(scratch.ctypes.data, room)

    call = (
        ctypes.byref(context),
        params,
        image,
        zeros,
        filters,
        zeros,
        ctypes.c_bool(copies_all),
        ctypes.c_bool(False),
        result,
    )
    assert getattr(runtime, f"edgeq_{kernel}")(*call, pointer(np.zeros(50, np.int8))) == ARG_ERROR


@pytest.mark.parametrize(
    ("stride", "out_channels", "filter_height", "missing"), [(0, 2, 3, 0), (1, 1, 3, 0), (1, 2, 0, 0), (1, 2, 3, 1)]
)
@pytest.mark.parametrize(("kernel", "room"), [("edgeq_convolve_4x2_dsp_s8", 324), ("edgeq_convolve_4x2_dsp_s16", 360)])
def test_a_convolution_of_four_windows_refuses(
    runtime: ctypes.CDLL, kernel: str, room: int, stride: int, out_channels: int, filter_height: int, missing: int
) -> None:
    """Room for four windows of 3x3x4 in int16 and one of the image's type is 324 or 360 bytes."""
    zeros, scratch = pointer(np.zeros(256, np.int32)), np.zeros(90, np.int32)
    params = pointer(ints([0, 0, stride, stride, 1, 1, 1, 1, -128, 127]))
    image, filters = pointer(ints([1, 5, 5, 4])), pointer(ints([out_channels, filter_height, 3, 4]))
    result, out = pointer(ints([1, 5, 5, out_channels])), pointer(np.zeros(50, np.int16))

    def status(size: int) -> int:
        context = Context(scratch.ctypes.data, size)
        call = ctypes.byref(context), params, image, zeros, filters, zeros, NO, NO, result, out
        return getattr(runtime, kernel)(*call)

    assert status(room - missing) == ARG_ERROR
    if (stride, out_channels, filter_height) == (1, 2, 3):
        assert status(room) == 0


@pytest.mark.parametrize(
    ("kernel", "room"), [("edgeq_convolve_blocks_dsp_s8", 324), ("edgeq_convolve_blocks_dsp_s4", 336)]
)
def test_convolutions_of_blocks_refuse_other_shapes(runtime: ctypes.CDLL, kernel: str, room: int) -> None:
    """A stride of 0, one channel, an empty filter; less room than four windows of 3x3x4 in int16, filled up to whole
    words, and a sum for each, or one window of int8, take."""
    scratch, out = np.zeros(90, np.int32), pointer(np.zeros(50, np.int8))
    table = pointer(np.append(ints([20, 1, 0, room]), np.zeros(256, np.int32)))

    def status(stride: int = 1, channels: int = 2, height: int = 3, size: int = room) -> int:
        context = Context(scratch.ctypes.data, size)
        params = pointer(ints([0, 0, stride, stride, 1, 1, 1, 1, -128, 127]))
        image, filters = pointer(ints([1, 5, 5, 4])), pointer(ints([channels, height, 3, 4]))
        result = pointer(ints([1, 5, 5, channels]))
        call = ctypes.byref(context), params, image, pointer(np.zeros(100, np.int8)), filters, table, NO, result, out
        return getattr(runtime, kernel)(*call)

    assert status() == 0
    others = status(stride=0), status(channels=1), status(height=0), status(size=room - 1)
    assert others == (ARG_ERROR,) * 4


def test_int4_kernels_refuse_other_shapes(runtime: ctypes.CDLL) -> None:
    """Less than four channels, an empty filter, little room; no batches, inputs or units."""
    zeros, scratch = pointer(np.zeros(256, np.int32)), np.zeros(84, np.int32)
    out = pointer(np.zeros(100, np.int8))

    def convolution(channels: int = 4, filter_height: int = 3, room: int = 324) -> int:
        context = Context(scratch.ctypes.data, room)
        params = pointer(ints([0, 0, 1, 1, 1, 1, 1, 1, -128, 127]))
        image, kernel = pointer(ints([1, 5, 5, 4])), pointer(ints([channels, filter_height, 3, 4]))
        call = ctypes.byref(context), params, image, zeros, kernel, zeros, NO, pointer(ints([1, 5, 5, channels])), out
        return runtime.edgeq_convolve_dsp_s4(*call)

    def depthwise(channels: int = 4, filter_width: int = 3, room: int = 136) -> int:
        context = Context(scratch.ctypes.data, room)
        params, image = pointer(ints([0, 0, 1, 1, 1, 1, 1, 1, 1, -128, 127])), pointer(ints([1, 5, 5, channels]))
        call = ctypes.byref(context), params, image, zeros, pointer(ints([1, 3, filter_width, channels])), zeros
        return runtime.edgeq_depthwise_conv_dsp_s4(*call, NO, image, out)

    def dense(batches: int = 1, depth: int = 3, units: int = 2) -> int:
        x, w, y = ints([batches, 1, 1, depth]), ints([depth, 1, 1, units]), ints([batches, 1, 1, units])
        call = pointer(ints([0, 0, 0, -128, 127])), pointer(x), zeros, pointer(w), zeros, pointer(y), out
        return runtime.edgeq_fully_connected_dsp_s4(*call)

    assert (convolution(), depthwise(), dense()) == (0, 0, 0)
    others = convolution(channels=3), convolution(filter_height=0), convolution(room=323)
    others += depthwise(channels=3), depthwise(filter_width=0), depthwise(room=135)
    assert others + (dense(batches=0), dense(depth=0), dense(units=0)) == (ARG_ERROR,) * 9


def test_a_depthwise_convolution_in_place_refuses_other_shapes(runtime: ctypes.CDLL) -> None:
    zeros, out = pointer(np.zeros(256, np.int32)), pointer(np.zeros(200, np.int8))
    scratch = np.zeros(48, np.int32)

    def status(channels: int = 4, stride: int = 1, pad: int = 1, size: int = 192, width: int = 3) -> int:
        context = Context(scratch.ctypes.data, size)
        params = ints([0, 0, 1, stride, stride, pad, pad, 1, 1, -128, 127])
        image, kernel = ints([1, 5, 5, channels]), ints([1, 3, width, channels])
        call = pointer(params), pointer(image), zeros, pointer(kernel), zeros, NO, NO, pointer(image), out
        return runtime.edgeq_depthwise_conv_3x3_dsp_s8(ctypes.byref(context), *call)

    assert status() == 0
    others = status(channels=3), status(stride=2), status(pad=0), status(size=191), status(width=2)
    assert others == (ARG_ERROR,) * 5


@pytest.mark.parametrize("kernel", ["edgeq_depthwise_conv_dsp_s8", "edgeq_depthwise_conv_dsp_s16"])
def test_a_tuned_depthwise_convolution_refuses_other_shapes(runtime: ctypes.CDLL, kernel: str) -> None:
    zeros, out = pointer(np.zeros(256, np.int32)), pointer(np.zeros(200, np.int16))

    def status(channels: int, multiplier: int = 1, stride: int = 1, dilation: int = 1) -> int:
        params = ints([0, 0, multiplier, stride, stride, 1, 1, dilation, dilation, -128, 127])
        image, filters = ints([1, 5, 5, channels]), ints([1, 3, 3, channels])
        dims = pointer(image), zeros, pointer(filters), zeros, NO, pointer(image)
        return getattr(runtime, kernel)(pointer(params), *dims, out)

    assert status(4) == 0
    assert status(3) == ARG_ERROR
    assert status(4, multiplier=2) == ARG_ERROR
    assert status(4, stride=0) == ARG_ERROR
    assert status(4, dilation=0) == ARG_ERROR


class NarrowFilters(ctypes.Structure):
    """edgeq_narrow_filters"""

    _fields_ = (
        ("packed", ctypes.c_void_p),
        ("quant", ctypes.c_void_p),
        ("middle", ctypes.c_int32),
        ("is_binary", ctypes.c_bool),
        ("has_gaps", ctypes.c_bool),
    )


# Bytes of working memory for four channels of 5x5 pixels.
@pytest.mark.parametrize(("name", "room"), [("3x3_narrow", 480), ("nine_narrow", 76), ("narrow", 208)])
def test_depthwise_convolutions_of_narrow_weights_refuse_other_shapes(
    runtime: ctypes.CDLL, name: str, room: int
) -> None:
    zeros, out = np.zeros(64, np.int32), pointer(np.zeros(200, np.int8))
    scratch = np.zeros(200, np.int32)
    filters = NarrowFilters(zeros.ctypes.data, zeros.ctypes.data, 0, False, True)
    is_in_place = name == "3x3_narrow"

    def status(channels: int = 4, multiplier: int = 1, stride: int = 1, size: int = room, width: int = 3) -> int:
        context = Context(scratch.ctypes.data, size)
        params = ints([0, 0, multiplier, stride, stride, 1, 1, 1, 1, -128, 127])
        image, kernel = ints([1, 5, 5, channels]), ints([1, 3, width, channels])
        call = [ctypes.byref(context), pointer(params), ctypes.byref(filters), pointer(image), pointer(zeros)]
        call += [pointer(kernel), *([NO] if is_in_place else []), pointer(image), out]
        return getattr(runtime, f"edgeq_depthwise_conv_{name}_dsp_s8")(*call)

    assert status() == 0
    assert [status(channels=3), status(multiplier=2), status(stride=0), status(size=room - 1)] == [ARG_ERROR] * 4
    if name != "narrow":
        assert status(width=2) == ARG_ERROR
    assert status(stride=2) == (ARG_ERROR if is_in_place else 0)


@pytest.mark.parametrize(
    ("batches", "depth", "units", "segment", "expected"),
    [(1, 4, 4, 16, 0), (0, 4, 4, 16, -1), (1, 3, 4, 16, -1), (1, 4, 3, 16, -1), (1, 4, 4, 0, -1), (1, 4, 4, 24, -1)],
)
def test_a_tuned_dense_layer_refuses_other_shapes(
    runtime: ctypes.CDLL, batches: int, depth: int, units: int, segment: int, expected: int
) -> None:
    zeros, out = pointer(np.zeros(64, np.int32)), pointer(np.zeros(16, np.int8))
    x, w, y = ints([batches, 1, 1, depth]), ints([depth, 1, 1, units]), ints([batches, 1, 1, units])
    call = pointer(ints([0, 0, 0, -128, 127])), pointer(x), zeros, pointer(w), zeros, ctypes.c_int32(segment), NO
    assert runtime.edgeq_fully_connected_dsp_s8(*call, pointer(y), out) == expected


@pytest.mark.parametrize("kind", ["ternary", "binary"])
def test_a_dense_layer_of_narrow_weights_refuses_more_than_its_pieces(runtime: ctypes.CDLL, kind: str) -> None:
    """64 pieces of as many inputs as the table begins with."""
    x, packed, out = np.zeros(600, np.int8), np.zeros(600, np.int32), np.zeros(4, np.int8)
    params = pointer(ints([0, 0, 0, -128, 127]))
    packed[0] = 8

    def status(depth: int, units: int = 4) -> int:
        filters, result = pointer(ints([depth, 1, 1, units])), pointer(ints([1, 1, 1, units]))
        call = params, pointer(ints([1, 1, 1, depth])), pointer(x), filters, pointer(packed), result, pointer(out)
        return getattr(runtime, f"edgeq_fully_connected_{kind}_dsp_s8")(*call)

    assert status(512) == 0
    assert status(513) == status(512, units=0) == status(0) == ARG_ERROR


@pytest.mark.parametrize(
    ("batches", "depth", "units", "expected"), [(1, 1, 4, 0), (0, 4, 4, -1), (1, 0, 4, -1), (1, 4, 3, -1)]
)
def test_a_tuned_dense_layer_of_int16_refuses_other_shapes(
    runtime: ctypes.CDLL, batches: int, depth: int, units: int, expected: int
) -> None:
    zeros, out = pointer(np.zeros(64, np.int32)), pointer(np.zeros(16, np.int16))
    x, w, y = ints([batches, 1, 1, depth]), ints([depth, 1, 1, units]), ints([batches, 1, 1, units])
    call = pointer(ints([0, 0, 0, -32768, 32767])), pointer(x), zeros, pointer(w), zeros, NO
    assert runtime.edgeq_fully_connected_dsp_s16(*call, pointer(y), out) == expected


def test_softmax_of_many_equal_inputs_is_zero(runtime: ctypes.CDLL) -> None:
    """1/512 and less round to zero; TFLite and CMSIS-NN shift by more than 31 bits there."""
    x = np.zeros(1024, np.int8)
    runtime.arm_softmax_s8(pointer(x), 1, 1024, 1717986918, 23, -248, pointer(x))
    assert set(x.tolist()) == {-128}
