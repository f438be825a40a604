"""Requantization by two words gives what the two roundings give, for every accumulator."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from edgeq.fixedpoint import requantize
from edgeq.kernels.sums import sums_between
from edgeq.kernels.two_words import two_words
from edgeq.kernels.two_words_by_steps import two_words_by_steps

#: How far accumulators are shifted.
BITS = 18


def parameters(multiplier: int, shift: int, offset: int) -> SimpleNamespace:
    return SimpleNamespace(multipliers=np.array([multiplier]), shifts=np.array([shift]), output_offset=offset)


def words_of(p: SimpleNamespace, bias: int, lowest: int, highest: int) -> np.ndarray | None:
    found = two_words(p, np.array([bias]), np.array([lowest]), np.array([highest]), np.array([BITS]))
    return None if found is None else found[0]


def agrees(p: SimpleNamespace, bias: int, lowest: int, highest: int, words: np.ndarray, bits: int = BITS) -> bool:
    """Whether `edgeq_finish_two_words_s8` of edgeq_dsp.h gives the same; fails where a sum leaves int32."""
    a = np.arange(lowest, highest + 1)
    m, c = (int(word) for word in words)
    total = ((a << bits) * m + (1 << 31) >> 32) + c
    assert np.abs(a << bits).max() <= 1 << 31 and 0 <= m < 1 << 31 and np.abs(total).max() < 1 << 31
    expected = np.clip(requantize(a + bias, p.multipliers, p.shifts) + p.output_offset, -128, 127)
    return np.array_equal(np.clip(total >> 12, -128, 127), expected)


@pytest.mark.parametrize("shift", [1, 0, -1, -3, -5])
@pytest.mark.parametrize("multiplier", [1 << 30, (1 << 31) - 1, 1518500250])
def test_every_accumulator_gives_the_same(multiplier, shift):
    """Where negative results saturate, two words always do."""
    p = parameters(multiplier, shift, -128)
    reach = 8191
    for bias in (0, 77, -1234):
        words = words_of(p, bias, -reach, reach)
        assert words is not None
        assert agrees(p, bias, -reach, reach, words)


def test_with_signs_they_are_right_or_there_are_none():
    rng = np.random.default_rng(5)
    found = 0
    for _ in range(300):
        p = parameters(int(rng.integers(1 << 30, 1 << 31)), int(rng.integers(-6, 3)), int(rng.integers(-128, 128)))
        bias, lowest, highest = (
            int(v) for v in (rng.integers(-900, 900), -rng.integers(0, 3000), rng.integers(0, 3000))
        )
        words = words_of(p, bias, lowest, highest)
        found += words is not None
        assert words is None or agrees(p, bias, lowest, highest, words)
    assert 100 < found < 300


@pytest.mark.parametrize("bias", [-900, 900])
def test_results_that_are_all_the_same_have_words(bias):
    p = parameters(1 << 30, -1, -128 if bias < 0 else 127)
    assert agrees(p, bias, -255, 255, words_of(p, bias, -255, 255))


def test_words_that_steps_bound_are_right_where_no_near_multiplier_is():
    rng = np.random.default_rng(6)
    found, more = 0, 0
    for _ in range(200):
        p = parameters(int(rng.integers(1 << 30, 1 << 31)), int(rng.integers(-6, 1)), -128)
        bias, lowest, highest = (
            int(v) for v in (rng.integers(-900, 900), -rng.integers(0, 9000), rng.integers(0, 9000))
        )
        ends = np.array([bias]), np.array([lowest]), np.array([highest])
        words = two_words_by_steps(p, *ends)
        found += words is not None
        more += words is not None and two_words(p, *ends, np.array([12])) is None
        assert words is None or agrees(p, bias, lowest, highest, words[0], 12)
    assert found > 150 and more > 2


def test_words_that_are_one_off_are_noticed():
    p = parameters(1518500250, -3, -128)
    m, c = words_of(p, 9, -8000, 8000)
    assert not agrees(p, 9, -8000, 8000, np.array([m, c + (1 << 11)]))


def test_an_accumulator_too_large_has_none():
    assert words_of(parameters(1 << 30, 0, 0), 0, -(1 << 20), 1 << 20) is None


def test_a_constant_is_its_value():
    _, c = words_of(parameters(1 << 30, -5, 9), 640, 0, 0)
    assert c >> 12 == 9 + 10


def test_sums_are_bounded_by_int8_at_its_ends():
    rng = np.random.default_rng(8)
    weights = rng.integers(-1, 2, (20, 3, 5)).astype(np.int8)
    lowest, highest = sums_between(weights)
    ends = np.where(weights > 0, -128, 127), np.where(weights > 0, 127, -128)
    for found, x in zip((lowest, highest), ends, strict=True):
        np.testing.assert_array_equal(found, (weights.astype(int) * x).sum(axis=(1, 2)))
