"""Short requantization of layers with a ReLU gives what the two roundings give, for every accumulator."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from edgeq.fixedpoint import requantize
from edgeq.kernels.narrow_quant import accumulator_bounds
from edgeq.kernels.packing import channels_of
from edgeq.kernels.short_quant import short_quant
from edgeq.target import load_board

WEIGHTS = np.full((1, 100), 100, np.int8)
WIDE, NARROW = (load_board(board).soc.cpu for board in ("mps2-an385", "mps2-an385-m0"))
ALL, SIX = (-128, 127), (-128, 60)


def channel(multiplier: int, shift: int, offset: int, weights: np.ndarray = WEIGHTS, bias: int = 1234):
    p = SimpleNamespace(multipliers=np.array([multiplier]), shifts=np.array([shift]), output_offset=offset)
    return channels_of(p, weights, np.array([bias]), 128)


def finished_wide(a: np.ndarray, words: np.ndarray) -> np.ndarray:
    """The 64-bit half of `edgeq_finish_short`; fails where a word does not fit its register."""
    m, low, high = (int(v) for v in words)
    assert 0 <= m < 1 << 31 and 0 <= low < 1 << 32 and -(1 << 31) <= high < 1 << 31
    return np.array([min(max(int(each) * m + (high << 32) + low >> 35, -128), 127) for each in a])


def finished_narrow(a: np.ndarray, words: np.ndarray) -> np.ndarray:
    """Its other half; fails where a product leaves uint32, or a sum int32."""
    m1, m2, limit, c = (int(v) for v in words)
    a = np.clip(a, 0, limit)
    assert (a * m2).max() < 1 << 32
    total = a * m1 + (a * m2 >> 13)
    assert max(total.max(), np.abs(total + c).max()) < 1 << 31
    return total + c >> 22


@pytest.mark.parametrize("shift", [-3, -4, -7, -8, -9])
@pytest.mark.parametrize("multiplier", [1 << 30, (1 << 31) - 1, 1518500250])
@pytest.mark.parametrize(("cpu", "limits"), [(WIDE, ALL), (NARROW, ALL), (NARROW, SIX)])
def test_every_accumulator_gives_the_same(cpu, limits, multiplier, shift):
    channels = channel(multiplier, shift, -128)
    found = short_quant(channels, WEIGHTS, limits, cpu)
    if shift == -3:
        # too few bits behind the point of what it has to step by
        assert (found is None) == (cpu is WIDE)
        return
    (bound,) = accumulator_bounds(channels, WEIGHTS, 128)
    a = np.unique(np.concatenate([np.arange(-9000, 9000), np.arange(-bound, bound + 1, 3), [bound]]))
    expected = np.clip(requantize(a, np.int32(multiplier), np.int32(shift)) - 128, *limits)
    steps = a[1:][np.diff(expected) > 0]
    a = np.unique(np.concatenate([a, *(steps + near for near in range(-3, 4))]))
    expected = np.clip(requantize(a, np.int32(multiplier), np.int32(shift)) - 128, *limits)
    finished = finished_wide if cpu is WIDE else finished_narrow
    moved = a - channels.bias[0] + found.bias[0]
    np.testing.assert_array_equal(finished(moved, found.words[0]), expected)


@pytest.mark.parametrize("cpu", [WIDE, NARROW])
def test_steps_below_zero_that_show_need_the_other_rounding(cpu):
    assert short_quant(channel((1 << 30) + 12345, -8, 0), WEIGHTS, ALL, cpu) is None


def test_limits_that_saturation_does_not_give_need_a_comparison():
    channels = channel(1 << 30, -8, -128)
    assert short_quant(channels, WEIGHTS, SIX, WIDE) is None and short_quant(channels, WEIGHTS, SIX, NARROW)


@pytest.mark.parametrize("offset", [-128, -120, 9])
@pytest.mark.parametrize(("cpu", "finished"), [(WIDE, finished_wide), (NARROW, finished_narrow)])
def test_a_constant_is_its_value(cpu, finished, offset):
    weights = np.zeros((1, 9), np.int8)
    found = short_quant(channel(1 << 30, -5, offset, weights, 640), weights, ALL, cpu)
    assert finished(np.array([-7, 0, 7]), found.words[0]).tolist() == [offset + 10] * 3


@pytest.mark.parametrize(("cpu", "finished"), [(WIDE, finished_wide), (NARROW, finished_narrow)])
def test_what_no_accumulator_reaches_does_not_matter(cpu, finished):
    """Results between -100 and 100: nothing saturates."""
    weights = np.full((1, 1), 100, np.int8)
    channels = channel(1 << 30, -7, -128, weights, 100 * 128)
    found = short_quant(channels, weights, ALL, cpu)
    a = np.arange(0, 200 * 128)
    expected = requantize(a, np.int32(1 << 30), np.int32(-7)) - 128
    moved = a - channels.bias[0] + found.bias[0]
    np.testing.assert_array_equal(finished(moved, found.words[0]), expected)


def test_a_layer_has_short_words_for_all_channels_or_for_none():
    p = SimpleNamespace(multipliers=np.array([1 << 30] * 2), shifts=np.array([-8, -2]), output_offset=-128)
    weights = np.full((2, 100), 100, np.int8)
    assert short_quant(channels_of(p, weights, np.array([0, 0]), 128), weights, ALL, WIDE) is None


def test_most_channels_with_a_relu_have_short_words():
    rng = np.random.default_rng(3)
    have = 0
    for _ in range(100):
        weights = rng.integers(-127, 128, (1, 64)).astype(np.int8)
        channels = channel(int(rng.integers(1 << 30, 1 << 31)), -8, -128, weights, int(rng.integers(-5000, 5000)))
        have += all(short_quant(channels, weights, ALL, cpu) for cpu in (WIDE, NARROW))
    assert have > 95
