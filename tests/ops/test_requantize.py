"""Requantization against exact rational arithmetic, above all where it has to decide between two neighbours."""

from __future__ import annotations

from fractions import Fraction
from math import floor

import numpy as np
import pytest

from edgeq import fixedpoint
from edgeq.errors import QuantizationError
from edgeq.fixedpoint import (
    INT32_MAX,
    INT32_MIN,
    int8_requantizer,
    quantize_multiplier,
    quantize_multiplier_below_one,
    requantize,
)

HALF = Fraction(1, 2)


def ties_up(x: Fraction) -> int:
    return floor(x + HALF)


def ties_away(x: Fraction) -> int:
    return ties_up(x) if x >= 0 else -ties_up(-x)


def twice(x: int, multiplier: int, shift: int) -> int:
    """Double rounding, from its definition."""
    high = ties_up(Fraction(x * 2 ** max(shift, 0) * multiplier, 2**31))
    return ties_away(Fraction(high, 2 ** max(-shift, 0)))


def once(x: int, multiplier: int, shift: int) -> int:
    """Single rounding, from its definition."""
    exact = Fraction(x * multiplier) * Fraction(2) ** (shift - 31)
    return max(INT32_MIN, min(INT32_MAX, ties_up(exact)))


def at_ties() -> list[tuple[int, int, int]]:
    """Values whose product, or whose shifted product, ends in just a half, and their neighbours."""
    triples = []
    for shift in (0, -1, -2, -7, -12, 1, 3):
        right, left = max(-shift, 0), max(shift, 0)
        for multiplier in (1 << 30, 3 << 29, (1 << 30) + (1 << 20), INT32_MAX):
            for k in (0, 1, 2, 5, 100):
                for sign in (-1, 1):
                    # x · multiplier / 2^31 · 2^shift = k + 1/2, as nearly as integers come to it
                    x = sign * round(Fraction(2 * k + 1, 2) * 2 ** (31 + right - left) / multiplier)
                    triples += [(x + d, multiplier, shift) for d in (-1, 0, 1)]
    return [(x, m, s) for x, m, s in triples if INT32_MIN <= x << max(s, 0) <= INT32_MAX]


@pytest.mark.parametrize(("definition", "single"), [(twice, False), (once, True)])
def test_ties(definition, single: bool) -> None:
    for x, multiplier, shift in at_ties():
        rounded = requantize(x, multiplier, shift, single=single)
        assert rounded == definition(x, multiplier, shift), (x, multiplier, shift)


@pytest.mark.parametrize(("definition", "single"), [(twice, False), (once, True)])
def test_random_values_in_one_array(definition, single: bool) -> None:
    rng = np.random.default_rng(5)
    x = rng.integers(INT32_MIN, INT32_MAX, 2000) >> rng.integers(0, 31, 2000)
    shift = rng.integers(-31, 8, 2000)
    x >>= np.maximum(shift, 0)
    multiplier = rng.integers(1 << 30, 1 << 31, 2000)
    expected = [definition(*(int(v) for v in row)) for row in zip(x, multiplier, shift, strict=True)]
    assert requantize(x, multiplier, shift, single=single).tolist() == expected


def test_the_two_roundings_differ_at_a_negative_tie() -> None:
    assert requantize(-6, 1 << 30, -1) == -2  # −1.5, away from zero
    assert requantize(-6, 1 << 30, -1, single=True) == -1  # −1.5, up


def test_rounding_twice_differs_from_rounding_once_below_a_tie() -> None:
    # 1.4999…: the first rounding makes it 1.5, the second 2
    x, multiplier, shift = 3, INT32_MAX, -1
    assert twice(x, multiplier, shift) == 2 and once(x, multiplier, shift) == 1
    assert requantize(x, multiplier, shift) == 2
    assert requantize(x, multiplier, shift, single=True) == 1


def test_a_negative_multiplier_rounds_ties_up_too() -> None:
    assert requantize(1, -(1 << 30), 0) == 0  # −0.5
    assert requantize(-1, -(1 << 30), 0) == 1  # 0.5


@pytest.mark.parametrize("single", [False, True])
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64])
@pytest.mark.parametrize("shifts", [(-9, -8, -10), (0, -1, -3), (2, 1, -9), (-20, -31, -12)])
def test_whole_tensors_equal_single_values(single: bool, dtype: type, shifts: tuple[int, ...]) -> None:
    """`int8_requantizer` estimates; every accumulator of a range that covers all results must come out the same."""
    rng = np.random.default_rng(9)
    shift = np.array(shifts, np.int32)
    multiplier = np.array([1 << 30, INT32_MAX, int(rng.integers(1 << 30, 1 << 31))], np.int32)
    bias = np.array([0, -777, 12345], np.int32)
    bound = 1 << 20
    acc = np.repeat(np.arange(-40_000, 40_000)[:, np.newaxis], 3, axis=1)
    acc[:1000] = rng.integers(-bound + 20_000, bound - 20_000, (1000, 3))
    finish = int8_requantizer(
        bias, multiplier, shift, offset=-5, low=-120, high=127, bound=bound, channels=3, single=single
    )
    expected = np.clip(requantize(acc + bias, multiplier, shift, single=single) - 5, -120, 127)
    np.testing.assert_array_equal(finish(acc.astype(dtype)), expected)


def test_the_estimate_alone_would_be_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a margin around ties, the fast path rounds otherwise: the test above can see that."""
    monkeypatch.setattr(fixedpoint, "_doubt", lambda *_: 0.0)
    with pytest.raises(AssertionError):
        test_whole_tensors_equal_single_values(False, np.float32, (-9, -8, -10))


@pytest.mark.parametrize(
    ("real", "expected"),
    [
        (0.0, (0, 0)),
        (1.0, (1 << 30, 1)),
        (0.5, (1 << 30, 0)),
        (0.75, (3 << 29, 0)),
        (1.0 - 2.0**-40, (1 << 30, 1)),  # the mantissa rounds up to 2^31
        (2.0**-40, (0, 0)),
        (2.0**40, (INT32_MAX, 30)),
    ],
)
def test_quantize_multiplier(real: float, expected: tuple[int, int]) -> None:
    assert quantize_multiplier(real) == expected


@pytest.mark.parametrize("real", [0.0, 1.0, 1.0 - 2.0**-40, 7.5])
def test_factors_that_sums_cannot_have(real: float) -> None:
    with pytest.raises(QuantizationError, match="between 0 and 1"):
        quantize_multiplier_below_one(real, "layer")
