"""Requantization without 64-bit products gives what the two roundings give, for every accumulator."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from edgeq.fixedpoint import requantize
from edgeq.kernels.narrow_quant import accumulator_bounds, narrow_quant
from edgeq.kernels.packing import channels_of

WEIGHTS = np.full((1, 100), 100, np.int8)


def parameters(multiplier: int, shift: int, offset: int) -> SimpleNamespace:
    return SimpleNamespace(multipliers=np.array([multiplier]), shifts=np.array([shift]), output_offset=offset)


def finished(a: np.ndarray, words: np.ndarray) -> np.ndarray:
    """`edgeq_finish_narrow` of edgeq_finish.h; fails where a product or a sum leaves int32."""
    m1, m2, low, high, c, d = (int(v) for v in words)
    assert m1 >= 0
    a = np.clip(a, low, high)
    terms = [a * m1, a * m2, a * m1 + (a * m2 >> 13), a * m1 + (a * m2 >> 13) + c]
    total = terms[-1] - np.where(a < 0, d, 0)
    assert all(np.abs(term).max() < 1 << 31 for term in (*terms, total))
    return total >> 22


@pytest.mark.parametrize("limits", [(-128, 127), (-128, -128 + 60), (3, 90)])
@pytest.mark.parametrize("shift", [-1, -4, -7, -8, -9])
@pytest.mark.parametrize("multiplier", [1 << 30, (1 << 31) - 1, 1518500250])
def test_every_accumulator_gives_the_same(multiplier, shift, limits):
    p = parameters(multiplier, shift, -5)
    channels = channels_of(p, WEIGHTS, np.array([1234]), 128)
    (bound,) = accumulator_bounds(channels, WEIGHTS, 128)
    (words,) = narrow_quant(channels, np.array([bound]), limits)
    a = np.arange(-bound, bound + 1)
    if words[0] < 0:
        assert words.tolist() == [-1, *channels.quant[0], *limits]
        return
    expected = np.clip(requantize(a, np.int32(multiplier), np.int32(shift)) - 5, *limits)
    np.testing.assert_array_equal(finished(a, words), expected)


def test_few_channels_need_the_wide_product():
    rng = np.random.default_rng(3)
    count = 200
    p = SimpleNamespace(
        multipliers=rng.integers(1 << 30, 1 << 31, count), shifts=np.full(count, -8), output_offset=-128
    )
    weights = rng.integers(-127, 128, (count, 64)).astype(np.int8)
    channels = channels_of(p, weights, rng.integers(-5000, 5000, count), 128)
    words = narrow_quant(channels, accumulator_bounds(channels, weights, 128), (-128, 127))
    assert (words[:, 0] < 0).mean() < 0.05


def test_an_accumulator_too_large_keeps_the_wide_product():
    weights = np.full((1, 4000), 127, np.int8)
    channels = channels_of(parameters(1 << 30, -14, 0), weights, np.array([0]), 128)
    (words,) = narrow_quant(channels, accumulator_bounds(channels, weights, 128), (-128, 127))
    assert words[0] == -1


def test_a_constant_is_its_value():
    channels = channels_of(parameters(1 << 30, -5, 9), np.zeros((1, 9), np.int8), np.array([640]), 128)
    (words,) = narrow_quant(channels, np.array([0]), (-128, 127))
    assert finished(np.array([-7, 0, 7]), words).tolist() == [9 + 10] * 3
