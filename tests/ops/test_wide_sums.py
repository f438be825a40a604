"""Sums of int16 layers in 32 bits, and their requantization by the high word of a product."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from edgeq.fixedpoint import quantize_multiplier, requantize_wide
from edgeq.kernels.wide_sums import quant_of, wide_channels_of

LIMIT = 1 << 31


def parameters(bias, multipliers, shifts) -> SimpleNamespace:
    return SimpleNamespace(
        bias=np.array(bias, np.int64), multipliers=np.array(multipliers, np.int32), shifts=np.array(shifts, np.int32)
    )


def finished(sums: np.ndarray, words: np.ndarray) -> np.ndarray:
    """What edgeq_finish_s16.h says that a core does with a channel's sums, of one word or of four."""
    if len(words) == 1:
        return np.clip((sums * words[0] + (1 << 31)) >> 32, -32768, 32767)
    multiplier, addend, shift, left = words
    assert np.abs(sums << left).max() <= LIMIT
    high = ((sums << left) * multiplier >> 32) + addend
    assert np.abs(high).max() < LIMIT
    return np.clip(high >> shift, -32768, 32767)


def sums_to_try(multiplier: int, shift: int, rng: np.random.Generator) -> np.ndarray:
    """The ends of what is allowed, all around 0, and around places where a result changes."""
    step = max(1.0, 2.0 ** (31 - shift) / multiplier)
    edges = np.rint((rng.integers(-40000, 40000, 3000) + 0.5) * step).astype(np.int64)
    near = edges[:, np.newaxis] + np.arange(-2, 3)
    limit = LIMIT >> max(shift + 2, 0)
    within = rng.integers(-limit, limit, 3000)
    tried = np.concatenate([near.ravel(), np.arange(-3000, 3000), within, [-limit, limit - 1]])
    return np.clip(tried, -limit, limit - 1)


@pytest.mark.parametrize("shift", range(-31, 8))
@pytest.mark.parametrize("multiplier", [1 << 30, (1 << 31) - 1, 0x7FFF0000, 1518500250, 0x5A827FFF])
def test_requantization_gives_the_same_results(shift, multiplier):
    rng = np.random.default_rng(100 + shift)
    channels = wide_channels_of(parameters([0], [multiplier], [shift]), np.array([[1, -1]], np.int8))
    sums = sums_to_try(multiplier, shift, rng)
    expected = np.clip(requantize_wide(sums, np.int32(multiplier), np.int32(shift)), -32768, 32767)
    for short in (True, False):
        words, at_once = quant_of(channels, short=short)
        assert at_once == (short and -17 <= shift <= -1)
        assert np.abs(words).max() < LIMIT
        np.testing.assert_array_equal(finished(sums, words[0]), expected)


def test_all_channels_are_requantized_alike():
    """One whose factor is too small for the short way keeps the others from it."""
    weights = np.ones((3, 4), np.int8)
    channels = wide_channels_of(parameters([1, 2, 3], [1 << 30] * 3, [-5, -18, -9]), weights)
    assert channels.at_once is None and quant_of(channels, short=True)[0].shape == (3, 4)


def test_sums_that_may_leave_32_bits_are_refused():
    """The ends of int16 times the ends of the weights, to the last one that fits."""
    weights = np.full((1, 516), 127, np.int8)
    lowest, highest = -516 * 127 * 32768, 516 * 127 * 32767

    def fits(bias: int) -> bool:
        return wide_channels_of(parameters([bias], [1 << 30], [-9]), weights) is not None

    assert fits(-LIMIT - lowest) and not fits(-LIMIT - lowest - 1)
    assert fits(LIMIT - 1 - highest) and not fits(LIMIT - highest)


def test_large_factors_take_room_from_the_sum():
    weights = np.full((1, 100), 127, np.int8)
    highest = 100 * 127 * 32767

    def fits(bias: int, shift: int) -> bool:
        return wide_channels_of(parameters([bias], [1 << 30], [shift]), weights) is not None

    for shift, left in ((-3, 0), (-2, 0), (-1, 1), (0, 2), (1, 3), (2, 4)):
        most = (LIMIT >> left) - 1 - highest
        assert fits(most, shift) == (left <= 2)  # then a bias alone makes no room
        assert not fits(most + 1, shift)


def test_biases_of_32_bits_round_in_another_way():
    p = parameters([0], [1 << 30], [-5])
    assert (
        wide_channels_of(SimpleNamespace(**{**vars(p), "bias": np.zeros(1, np.int32)}), np.ones((1, 3), np.int8))
        is None
    )


@pytest.mark.parametrize("real", [-1e9, -32768.5, -3.5, 0.0, 2.5, 40000.0])
def test_a_channel_without_weights_is_its_bias(real):
    """However far that is from what other channels have."""
    multiplier, shift = quantize_multiplier(1e-9)
    bias = int(np.clip(real / 1e-9, -(1 << 46), 1 << 46))
    p = parameters([bias, 5], [multiplier, 1 << 30], [shift, -8])
    channels = wide_channels_of(p, np.array([[0, 0], [3, -4]], np.int8))
    expected = np.clip(requantize_wide(p.bias[:1], p.multipliers[0], p.shifts[0]), -32768, 32767)
    for short in (True, False):
        words, _ = quant_of(channels, short=short)
        np.testing.assert_array_equal(finished(channels.bias[:1], words[0]), expected)
