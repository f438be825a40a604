"""Short requantization of layers with a ReLU gives what the two roundings give, for every accumulator."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from edgeq.fixedpoint import requantize
from edgeq.kernels.narrow_quant import accumulator_bounds
from edgeq.kernels.packing import channels_of
from edgeq.kernels.short_quant import short_quant, short_quant_of_any
from edgeq.kernels.sums import sums_between
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


@pytest.mark.parametrize("shift", [2, 1, 0, -1, -2, -5, -9])
@pytest.mark.parametrize("multiplier", [(1 << 30) + 1, (1 << 31) - 1, 1518500250])
@pytest.mark.parametrize(("cpu", "limits"), [(WIDE, ALL), (NARROW, ALL), (NARROW, SIX)])
@pytest.mark.parametrize("bias", [-700, 0, 300])
def test_factors_of_any_size(cpu, limits, multiplier, shift, bias):
    """All accumulators that weights of -1, 0 and 1 lead to, also in channels that do not use all of their range."""
    rng = np.random.default_rng(shift + 9)
    p = SimpleNamespace(multipliers=np.array([multiplier]), shifts=np.array([shift]), output_offset=-128)
    large = 8 if shift > -5 else 0
    saturated = np.array(ALL if large else (-1000, 1000))
    for length in (3, 40, 160):
        weights = rng.integers(-1, 2, (1, length)).astype(np.int8)
        found = short_quant_of_any(p, weights, np.array([bias]), limits, cpu, large)
        if limits == SIX and shift > 0 and found is None:
            # a step may lead beyond a limit that nothing saturates to
            continue
        (lowest,), (highest,) = sums_between(weights)
        a = np.arange(lowest, highest + 1) + bias
        expected = np.clip(requantize(a, np.int32(multiplier), np.int32(shift)) - 128, *limits)
        moved = a - bias + found.bias[0]
        got = finished_wide(moved << large, found.words[0]) if cpu is WIDE else finished_narrow(moved, found.words[0])
        np.testing.assert_array_equal(np.clip(got, *saturated), expected)


def test_results_that_step_by_more_than_one_stay_in_their_range():
    """Before the first step, a line of such steps is often below int8's least number."""
    weights, bias = np.ones((1, 1), np.int8), np.array([-160])
    found = 0
    for multiplier in range(1 << 30, (1 << 31) - 1, 1 << 26):
        p = SimpleNamespace(multipliers=np.array([multiplier]), shifts=np.array([2]), output_offset=0)
        short = short_quant_of_any(p, weights, bias, ALL, NARROW, 0)
        if short:
            a = np.arange(-128, 128)
            expected = np.clip(requantize(a + bias, np.int32(multiplier), np.int32(2)), *ALL)
            np.testing.assert_array_equal(finished_narrow(a + short.bias[0], short.words[0]), expected)
            found += 1
    assert 0 < found < 16


def test_words_are_refused_whose_shifted_accumulators_do_not_fit():
    p = SimpleNamespace(multipliers=np.array([1 << 30]), shifts=np.array([0]), output_offset=-128)
    weights = np.ones((1, 4), np.int8)
    assert short_quant_of_any(p, weights, np.array([1 << 23]), ALL, WIDE, 8) is None
    assert short_quant_of_any(p, weights, np.array([1 << 22]), ALL, WIDE, 8) is not None
