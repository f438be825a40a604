"""Histogram observers against the same rules applied to all values at once."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from edgeq.errors import CalibrationError
from edgeq.ir import DType
from edgeq.quant.histogram import Histogram
from edgeq.quant.observers import find_observer
from edgeq.quant.params import affine_params
from edgeq.quant.schemes import INT8, Granularity, RoleScheme, find_scheme

SYMMETRIC = find_scheme("abs-max").activation
COUNTING = ("percentile", "mse", "entropy")


def heavy_tails(seed: int, size: int = 20_000) -> np.ndarray:
    return np.random.default_rng(seed).standard_t(3, size=size).astype(np.float32)


def ranged(name: str, values: np.ndarray, role: RoleScheme = INT8.activation) -> tuple[float, float]:
    each = find_observer(name)(role)
    for part in np.array_split(values, 7):
        each.update(part)
    return each.range()


def test_a_histogram_counts_what_is_there_and_forgets_how_it_came():
    values = heavy_tails(0) * np.float32(3.7)
    whole, parts = Histogram(), Histogram()
    whole.update(values)
    for part in np.array_split(np.sort(np.append(values, np.zeros(5))), 40):
        parts.update(part)
    np.testing.assert_array_equal(whole.counts, parts.counts)
    assert (whole.reach, whole.low, whole.high) == (parts.reach, parts.low, parts.high)
    assert parts.zeros == 5 and parts.total == values.size + 5
    np.testing.assert_array_equal(whole.counts, np.histogram(values.astype(np.float64), whole.edges)[0])


def test_a_histogram_takes_the_whole_of_float32():
    tiny, huge = np.float32(1e-45), np.finfo(np.float32).max
    seen = Histogram()
    for value in (tiny, -huge, huge):
        seen.update(np.float32([value]))
    assert seen.counts.sum() == 3 and seen.counts[0] == 1 and seen.counts[-1] == 1


@pytest.mark.parametrize("share", [99.99, 99.0, 80.0])
def test_percentile_cuts_the_tails_off(share):
    values = heavy_tails(1)
    low, high = ranged(f"percentile:{share}", values)
    wanted = np.percentile(values, [(100 - share) / 2, (100 + share) / 2])
    # one bin's width
    assert (low, high) == pytest.approx(tuple(wanted), abs=2.0 ** np.ceil(np.log2(np.abs(values).max())) / 4096)


def test_percentile_of_everything_is_min_max():
    values = heavy_tails(2)
    assert ranged("percentile:100", values) == (values.min(), values.max())


@pytest.mark.parametrize("role", [INT8.activation, SYMMETRIC, replace(INT8.activation, low=-8, high=7)])
def test_mse_comes_close_to_the_best_range_there_is(role):
    """All pairs of ends on a grid, each with the error that the role's integers really make."""
    values = heavy_tails(3, 3000)

    def error(low: float, high: float) -> float:
        params = affine_params(low, high, role)
        integers = np.clip(np.round(values / params.scale[0]) + params.zero_point[0], role.low, role.high)
        return float(np.square((integers - params.zero_point[0]) * params.scale[0] - values).sum())

    fractions = np.arange(2, 101, 2) / 100
    if role.symmetric:
        best = min(error(-f * np.abs(values).max(), f * np.abs(values).max()) for f in fractions)
    else:
        best = min(error(f * values.min(), g * values.max()) for f in fractions for g in fractions)
    assert error(*ranged("mse", values, role)) < 1.05 * best
    assert error(*ranged("mse", values, role)) < error(values.min(), values.max())


def test_wide_integers_saturate_nothing_for_the_sake_of_their_steps():
    wide = RoleScheme(DType.INT16, -32767, 32767, True, Granularity.PER_TENSOR, "mse")
    values = np.random.default_rng(4).uniform(-1, 1, 5000).astype(np.float32)
    low, high = ranged("mse", values, wide)
    assert low == pytest.approx(values.min(), rel=0.01) and high == pytest.approx(values.max(), rel=0.01)


def test_entropy_gives_up_lone_outliers_and_keeps_a_full_range():
    bulk = np.random.default_rng(5).normal(size=50_000).astype(np.float32)
    low, high = ranged("entropy", np.append(bulk, np.float32([40, -40])))
    assert 2 < high < 10 and -10 < low < -2
    uniform = np.random.default_rng(6).uniform(-1, 1, 50_000).astype(np.float32)
    low, high = ranged("entropy", uniform)
    assert low < -0.9 and high > 0.9


@pytest.mark.parametrize("name", COUNTING)
def test_what_a_relu_cuts_off_stays_cut_off(name):
    values = np.maximum(heavy_tails(7), 0)
    low, high = ranged(name, values)
    assert low == 0 and 0 < high <= values.max()


@pytest.mark.parametrize("name", COUNTING)
def test_nothing_but_zeros_has_an_empty_range(name):
    assert ranged(name, np.zeros(100, np.float32)) == (0.0, 0.0)


@pytest.mark.parametrize("name", ["percentile:101", "percentile:x", "percentile:nan", "percentile:", "min-max:3"])
def test_numbers_that_an_observer_does_not_take(name):
    with pytest.raises(CalibrationError, match="percentile|min-max"):
        find_observer(name)
