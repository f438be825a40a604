"""Requantization from the half of a word gives what the two roundings give, for every sum; or is refused."""

from __future__ import annotations

import re
from types import SimpleNamespace

import numpy as np
import pytest

from edgeq.fixedpoint import requantize
from edgeq.kernels.half_word_sums import POINT, START, half_word_quant
from edgeq.kernels.packing import fold_offset
from edgeq.kernels.sums import sums_between
from edgeq.resources import templates_dir


def layer(rng: np.random.Generator, scale: float, offset: int, count: int = 8) -> tuple[SimpleNamespace, np.ndarray]:
    """Parameters of channels with factors about as large, and their ternary weights."""
    weights = rng.integers(-1, 2, (count, 3, 3)).astype(np.int8)
    mantissa, shifts = np.frexp(scale * rng.uniform(0.7, 1.3, count))
    return (
        SimpleNamespace(
            multipliers=np.rint(mantissa * (1 << 31)).astype(np.int64),
            shifts=shifts,
            bias=rng.integers(-300, 300, count),
            input_offset=int(rng.integers(-127, 129)),
            output_offset=offset,
        ),
        weights,
    )


def assert_equal_everywhere(p: SimpleNamespace, weights: np.ndarray, less: np.ndarray) -> int:
    """Returns how many words a channel has."""
    found = half_word_quant(p, weights, less)
    lowest, highest = sums_between(weights)
    bias = fold_offset(weights, p.bias, p.input_offset)
    for c, (multiplier, addend, *gap) in enumerate(found.words.tolist()):
        sums = np.arange(lowest[c], highest[c] + 1)
        held = sums + START - less[c]
        assert multiplier % 4 == 0 and 0 <= multiplier < 1 << 31 and np.abs(4 * held).max() < 1 << 15
        y = (multiplier * held >> 16) + addend
        total = y + found.middle - np.where(y < 0, sum(gap), 0)
        assert max(np.abs(y).max(), np.abs(total).max()) < 1 << 31
        expected = requantize(sums + bias[c], p.multipliers[c], p.shifts[c]) + p.output_offset
        np.testing.assert_array_equal(np.clip(total >> POINT, -128, 127), np.clip(expected, -128, 127))
    return found.words.shape[1]


@pytest.mark.parametrize("offset", [-128, -127, -5, 0, 126, 127])
@pytest.mark.parametrize("scale", [0.002, 0.04, 0.11, 0.25, 0.7, 2.9])
def test_every_sum_becomes_what_it_has_to(scale, offset):
    p, weights = layer(np.random.default_rng(3), scale, offset)
    weights[2] = 0
    words = assert_equal_everywhere(p, weights, np.zeros(len(weights), int))
    assert words == (2 if offset in (-128, 127) or scale > 0.5 else 3)


def test_sums_that_come_too_small_are_made_up_for():
    p, weights = layer(np.random.default_rng(4), 0.2, -5)
    assert_equal_everywhere(p, weights, (weights < 0).sum(axis=(1, 2)))


def test_factors_of_four_and_more_and_sums_that_leave_their_half_are_refused():
    rng = np.random.default_rng(5)
    assert half_word_quant(*layer(rng, 3.0, -128)) is not None
    assert half_word_quant(*layer(rng, 6.0, -128)) is None
    p, _ = layer(rng, 0.1, -128, 1)
    assert half_word_quant(p, np.ones((1, 225), np.int8)) is not None
    assert half_word_quant(p, np.ones((1, 226), np.int8)) is None


def test_the_kernels_start_and_shift_by_as_much():
    text = (templates_dir() / "runtime/include/edgeq_half_sums.h").read_text()
    assert re.findall(r"#define EDGEQ_HALF_POINT\w* \"?#?(\d+)", text) == [str(POINT)] * 2
    assert re.findall(r"#define EDGEQ_HALF_STARTS? (\w+)", text) == [str(START), f"{START * 0x10001:#010x}u"]
