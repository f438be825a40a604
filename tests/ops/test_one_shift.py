"""Requantization by one shift gives what the two roundings give, for every accumulator; or is refused."""

from __future__ import annotations

import re
from types import SimpleNamespace

import numpy as np
import pytest

from edgeq.fixedpoint import requantize
from edgeq.kernels.one_shift import BY_256, SHIFT, finished_at_once, one_shift
from edgeq.kernels.packing import channels_of
from edgeq.kernels.sums import sums_between
from edgeq.resources import templates_dir

ANY = range(1, 8)


def layer(rng: np.random.Generator, count: int, shifts: np.ndarray, fan_in: int = 9) -> tuple:
    """Weights, biases and the parameters of `count` channels whose factors have these shifts to the right."""
    weights = rng.integers(-127, 128, (count, fan_in)).astype(np.int8)
    bias = rng.integers(-(1 << 15), 1 << 15, count)
    multipliers = rng.integers(1 << 30, 1 << 31, count).astype(np.int32)
    p = SimpleNamespace(multipliers=multipliers, shifts=-shifts.astype(np.int32), output_offset=-128)
    return weights, bias, p


def shifted(weights: np.ndarray, bias: np.ndarray, p: SimpleNamespace, finer: range) -> tuple:
    channels = channels_of(p, weights, bias, 128)
    lowest, highest = (channels.bias + end for end in sums_between(weights))
    return one_shift(channels, lowest, highest, finer), channels, lowest, highest


def assert_equal_everywhere(found, channels, lowest, highest, bias, p) -> None:
    """For every accumulator that the channel can have; what is left out of idle channels' biases is a constant."""
    for c in range(len(bias)):
        acc = np.arange(lowest[c], highest[c] + 1)
        expected = requantize(acc + (bias[c] - channels.bias[c]), p.multipliers[c], p.shifts[c]) + p.output_offset
        actual = finished_at_once(acc[np.newaxis], found.quant[c : c + 1], found.finer[c : c + 1])[0]
        np.testing.assert_array_equal(actual, np.clip(expected, -128, 127))


@pytest.mark.parametrize("finer", [BY_256, ANY], ids=str)
@pytest.mark.parametrize("shift", range(5, 12))
def test_every_accumulator_becomes_what_it_has_to(shift: int, finer: range) -> None:
    rng = np.random.default_rng(shift)
    weights, bias, p = layer(rng, 4, np.full(4, shift), fan_in=11)
    p.multipliers[:2] = 1 << 30, (1 << 31) - 1
    found, *rest = shifted(weights, bias, p, finer)
    assert found is not None
    assert_equal_everywhere(found, *rest, bias, p)
    assert set(found.finer) <= set(finer)


def test_what_is_found_for_large_shifts_is_right_too() -> None:
    """There a multiplier loses bits: one beside the nearest may serve, or none does."""
    rng = np.random.default_rng(3)
    found_any = refused = 0
    for _ in range(60):
        weights, bias, p = layer(rng, 1, rng.integers(11, 16, 1), fan_in=40)
        p.multipliers[0] = rng.integers(1 << 30, 1 << 31)
        found, *rest = shifted(weights, bias, p, BY_256)
        if found is None:
            refused += 1
        else:
            found_any += 1
            assert_equal_everywhere(found, *rest, bias, p)
    assert found_any > 5
    assert refused > 0


def test_a_channel_without_weights_is_its_constant() -> None:
    weights, _, p = layer(np.random.default_rng(1), 3, np.array([6, 6, 27]))
    weights[1:] = 0
    bias = np.array([5, 700, 1 << 30])
    found, *rest = shifted(weights, bias, p, ANY)
    assert_equal_everywhere(found, *rest, bias, p)


def test_factors_too_large_for_the_shift_are_refused() -> None:
    for shift, finer in ((4, BY_256), (4, ANY), (1, ANY)):
        found, *_ = shifted(*layer(np.random.default_rng(2), 1, np.array([shift])), finer)
        assert found is None


def test_sums_that_outgrow_a_word_are_refused() -> None:
    """256 times a sum of 24 bits needs 32; one more does not fit."""
    rng = np.random.default_rng(4)
    weights, bias, p = layer(rng, 1, np.array([8]), fan_in=700)
    weights[:] = 120
    found, *_ = shifted(weights, bias, p, BY_256)
    assert found is None


def test_the_kernels_shift_by_as_much() -> None:
    text = (templates_dir() / "runtime/include/edgeq_dsp.h").read_text()
    assert re.findall(r"#define EDGEQ_ONE_SHIFT\w* \"?#?(\d+)", text) == [str(SHIFT)] * 2
