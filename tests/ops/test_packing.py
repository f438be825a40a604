"""The tables of tuned kernels say what the operators' parameters say."""

from __future__ import annotations

from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np
import pytest

from edgeq.fixedpoint import requantize
from edgeq.kernels.packing import (
    blocks,
    channels_of,
    either_vector_channels_of,
    int8_words,
    joint_sums,
    joint_weights,
    joint_weights_fit,
    lanes,
    padded_rows,
    padded_steps,
    vector_channels_of,
)

REACH = 255


def parameters(multipliers, shifts, output_offset=0) -> SimpleNamespace:
    return SimpleNamespace(
        multipliers=np.array(multipliers, np.int32), shifts=np.array(shifts, np.int32), output_offset=output_offset
    )


@dataclass(frozen=True)
class Parameters:
    """Of a layer without an activation."""

    multipliers: np.ndarray
    shifts: np.ndarray
    output_offset: int
    activation_min: int = -128


def finished(acc: np.ndarray, quant: np.ndarray) -> np.ndarray:
    """`edgeq_finish_s8` of edgeq_dsp.h, as its comment states it; fails where a sum leaves int32."""
    multiplier, addend, shift = quant
    doubled = 2 * acc
    once = (doubled * multiplier + (1 << 31)) >> 32
    total = once + (doubled >> 63) + addend
    assert np.abs(doubled).max() < 1 << 31
    assert np.abs(total).max() < 1 << 31
    return np.clip(total >> shift, -128, 127)


def expected(acc: np.ndarray, multiplier: int, shift: int, offset: int) -> np.ndarray:
    return np.clip(requantize(acc, np.int32(multiplier), np.int32(shift)) + offset, -128, 127)


@pytest.mark.parametrize("shift", [-1, -2, -7, -13, -22])
@pytest.mark.parametrize("offset", [-128, -3, 0, 127])
def test_finishing_equals_the_two_roundings(shift, offset):
    """Ties of either rounding, both ends of the accumulator's range and everything near 0."""
    rng = np.random.default_rng(5)
    weights = rng.integers(-127, 128, (1, 900)).astype(np.int8)
    bound = int(np.abs(weights.astype(int)).sum()) * REACH
    for multiplier in (1 << 30, (1 << 31) - 1, 1518500250, int(rng.integers(1 << 30, 1 << 31))):
        packed = channels_of(parameters([multiplier], [shift], offset), weights, np.array([0]), REACH)
        halves = np.arange(-300, 300) * (1 << -shift) + (1 << -shift - 1)
        ties = np.concatenate([halves * 2, halves * 2 + 1, halves * 2 - 1])
        acc = np.concatenate([np.arange(-5000, 5001), ties, [-bound, bound], rng.integers(-bound, bound, 5000)])
        acc = acc[np.abs(acc) <= bound].astype(np.int64)
        np.testing.assert_array_equal(finished(acc, packed.quant[0]), expected(acc, multiplier, shift, offset))


def test_a_channel_without_weights_is_its_constant():
    for bias, shift in ((1 << 30, -27), (-(1 << 30), -24), ((1 << 30) + 128, -31), (700, -3), (-700, -3), (0, 0)):
        packed = channels_of(parameters([1 << 30], [shift], -5), np.zeros((1, 9), np.int8), np.array([bias]), REACH)
        assert packed.bias[0] == 0
        (result,) = finished(np.array([0]), packed.quant[0])
        assert result == expected(np.array([bias]), 1 << 30, shift, -5)[0]


def test_a_factor_that_leaves_nothing_becomes_zero():
    weights = np.ones((1, 9), np.int8)
    packed = channels_of(parameters([(1 << 31) - 1], [-30], 7), weights, np.array([11]), REACH)
    acc = np.array([-9 * REACH - 11, 0, 9 * REACH + 11])
    np.testing.assert_array_equal(finished(acc, packed.quant[0]), expected(acc, (1 << 31) - 1, -30, 7))


def test_what_the_table_cannot_say_is_refused():
    weights = np.full((1, 9), 127, np.int8)
    assert channels_of(parameters([1 << 30], [0]), weights, np.array([0]), REACH) is None
    assert channels_of(parameters([1 << 30], [3]), weights, np.array([0]), REACH) is None
    assert channels_of(parameters([1 << 30], [-8]), weights, np.array([1 << 30]), REACH) is None


def test_words_hold_lanes_and_bytes_in_order():
    assert lanes(np.array([-2]), np.array([3]))[0] == 0x0003FFFE
    assert int8_words(np.array([1, -1, 2, -128], np.int8))[0] == 0x8002FF01 - (1 << 32)


@pytest.mark.parametrize(("count", "size"), [(4, 4), (5, 4), (11, 4), (3, 4), (1, 2), (7, 2)])
def test_blocks_cover_all_and_stay_inside(count, size):
    taken = blocks(count, size)
    assert taken.shape == (-(-count // size), size)
    assert set(taken.ravel()) == set(range(count))


@pytest.mark.parametrize("length", range(4, 13))
def test_padded_rows_count_every_weight_once(length):
    """Read as the kernels read: whole fours, then the last four inputs."""
    rng = np.random.default_rng(length)
    row, x = rng.integers(-128, 128, (2, length)).astype(np.int8)
    padded = padded_rows(row)
    read = np.concatenate([x[: length // 4 * 4], x[-4:] if length % 4 else x[:0]])
    assert int(padded.astype(int) @ read) == int(row.astype(int) @ x)


@pytest.mark.parametrize("length", [1, 15, 16, 17, 40])
def test_padded_steps_add_zeros_only(length):
    row = np.arange(1, length + 1, dtype=np.int8).reshape(1, length)
    padded = padded_steps(row)
    assert padded.shape[1] % 16 == 0 and padded.shape[1] - length < 16
    np.testing.assert_array_equal(padded[:, :length], row)
    assert not padded[:, length:].any()


def vector_finished(acc: np.ndarray, multiplier: int, shift: int, offset: int, *, rectified: bool) -> np.ndarray:
    """What VQRDMULH, the correction of negative numbers and VRSHL make of sums, as their manual defines them."""
    once = (2 * acc * multiplier + (1 << 31)) >> 32
    corrected = once if rectified else once + (once >> 31)
    rounded = (corrected + (1 << -shift - 1)) >> -shift
    return np.clip(rounded + offset, offset if rectified else -128, 127)


@pytest.mark.parametrize("shift", [-1, -2, -7, -13])
@pytest.mark.parametrize("offset", [-128, -3, 127])
@pytest.mark.parametrize("rectified", [False, True])
def test_vectors_finish_like_the_two_roundings(shift, offset, rectified):
    """Ties of either rounding on both sides of 0. Rectified results need no correction: they are limited to the offset,
    which is what 0 and all below become."""
    rng = np.random.default_rng(6)
    weights = rng.integers(-127, 128, (1, 900)).astype(np.int8)
    bound = int(np.abs(weights.astype(int)).sum()) * REACH
    ties = np.arange(-300, 300) * (1 << -shift) + (1 << -shift - 1)
    acc = np.concatenate([np.arange(-5000, 5001), 2 * ties, 2 * ties + 1, 2 * ties - 1, [-bound, bound]])
    acc = acc[np.abs(acc) <= bound].astype(np.int64)
    for multiplier in (1 << 30, (1 << 31) - 1, 1518500250):
        packed = vector_channels_of(parameters([multiplier], [shift], offset), weights, np.array([0]), REACH)
        actual = vector_finished(acc, packed.multiplier[0], packed.shift[0], offset, rectified=rectified)
        limited = np.maximum(expected(acc, multiplier, shift, offset), offset if rectified else -128)
        np.testing.assert_array_equal(actual, limited)


@pytest.mark.parametrize("shift", [-2, 0, 1, 4])
@pytest.mark.parametrize("offset", [-128, 5])
def test_vectors_shift_to_the_left_before_they_multiply(shift, offset):
    """Without a second rounding nothing is corrected below 0; a shift of 0 stands beside those to the right where what
    is below 0 is cut off."""
    weights = np.ones((2, 70), np.int8)
    p = Parameters(np.array([1518500250] * 2), np.array([shift, -1]), offset)
    packed = either_vector_channels_of(p, weights, np.array([3, -3]), 128)
    assert packed.has_left == (shift > 0 or shift == 0 and offset > -128)
    acc = np.arange(-9000, 9001)
    multiplier, left, right = packed.multiplier[0], max(packed.shift[0], 0), min(packed.shift[0], 0)
    once = (acc * (1 << left) * multiplier + (1 << 30)) >> 31
    corrected = once + ((once >> 63) & (right >> 63))
    half = 1 << -right >> 1
    rounded = np.clip((corrected + half >> -right) + offset, -128, 127)
    np.testing.assert_array_equal(rounded, expected(acc, 1518500250, shift, offset))


def test_vectors_make_the_constant_of_a_channel_without_weights():
    for bias, shift in ((1 << 30, -27), (-(1 << 30), -24), (700, -3), (-700, -3), (0, 0)):
        p = parameters([1 << 30], [shift], -5)
        packed = vector_channels_of(p, np.zeros((1, 9), np.int8), np.array([bias]), REACH)
        actual = vector_finished(packed.bias, packed.multiplier[0], packed.shift[0], -5, rectified=False)
        assert actual[0] == expected(np.array([bias]), 1 << 30, shift, -5)[0]


@pytest.mark.parametrize("bits", [4, 2])
def test_sums_of_channels_that_share_bytes_are_taken_apart(bits):
    rng = np.random.default_rng(4)
    low, high = (-8, 7) if bits == 4 else (-1, 1)
    steps = rng.integers(low, high, (2, 3, 4, 16), dtype=np.int8, endpoint=True)
    steps[:, :, ::2] = np.maximum(steps[:, :, ::2], -7)
    x = rng.integers(-128, 128, (3, 1, 16))
    bias = rng.integers(-5000, 5000, (2, 4))
    assert joint_weights_fit(steps, bits, 1 << 24)

    shared = joint_weights(steps, bits).astype(np.int8).astype(int)
    to_a_byte = 8 // bits
    sums = joint_sums(bias, bits)
    for channel in range(4):
        shift = bits * (to_a_byte - 1 - channel % to_a_byte)
        factors = shared[:, :, channel // to_a_byte] + (1 << shift >> 1) >> shift
        sums[:, channel] += (factors * x[:, 0]).sum(axis=(1, 2))
    for channel in (3, 2, 1):
        if channel % to_a_byte:
            sums[:, channel] -= sums[:, channel - 1] << bits
    np.testing.assert_array_equal(sums, (steps * x).sum(axis=(1, 3)) + bias)


def test_the_least_weight_beside_less_than_zero_fits_no_byte():
    steps = np.zeros((1, 1, 4, 16), np.int8)
    steps[0, 0, 2, 5] = -8
    assert joint_weights_fit(steps, 4, 100)
    steps[0, 0, 3, 5] = -1
    assert not joint_weights_fit(steps, 4, 100)
    steps[0, 0, 3, 5] = 0
    assert not joint_weights_fit(steps, 4, 1 << 27)
    assert not joint_weights_fit(0 * steps, 2, 1 << 25)
