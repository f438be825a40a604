"""Two products of one multiplication are exact: the table's weights, walked as the kernels walk, give both sums."""

from __future__ import annotations

import numpy as np
import pytest

from edgeq.kernels.lane_blocks import (
    BLOCK,
    LIMIT,
    MAX_LENGTH,
    exception_words,
    lane_blocks,
    padded_length,
    stream_words,
    wrap,
)


def stream_of(x0: np.ndarray, x1: np.ndarray) -> list[int]:
    """What `edgeq_write_stream` writes, modulo 2^32."""
    words = []
    for start in range(0, len(x0), BLOCK):
        lanes = [int(a) + (int(b) << 16) for a, b in zip(x0[start:][:BLOCK], x1[start:][:BLOCK], strict=True)]
        words += [((1 << 15) - 128 * sum(lanes)) & 0xFFFFFFFF, *(lane & 0xFFFFFFFF for lane in lanes)]
    return words


def sums_of(table, channel: int, bias: int, stream: list[int]) -> tuple[int, int]:
    """Both sums of a channel, as `edgeq_add_lane_record` and `edgeq_lane_low` compute them."""
    low, high = (int(v) for v in table.first_words(np.full(len(table.words), bias))[channel])
    blocks = []
    for n, word in enumerate(table.words[channel]):
        weights = [(int(word) >> bits) & 255 for bits in (0, 8, 16, 24)]
        at = n * (BLOCK + 1)
        blocks.append(stream[at] + sum(w * x for w, x in zip(weights, stream[at + 1 : at + 5], strict=True)))
    other = table.exceptions[(channel + 1) % len(table.exceptions)]
    counts, *exceptions = (int(v) for v in exception_words((table.exceptions[channel], other)))
    assert counts >> 16 == len(other[0]) and len(exceptions) == (counts & 0xFFFF) + len(other[0])
    exceptions = exceptions[: counts & 0xFFFF]
    blocks += [(1 << 15) + (e >> 16) * stream[(e & 0xFFFF) // 4] for e in exceptions]
    for block in blocks:
        low += block
        high += int(wrap(block)) >> 16
    return int(wrap(low - (high << 16))), high


# The worst inputs, ordinary ones; weights that need no exceptions, some, one in each place.
INPUTS = {"low": (-128, -127), "high": (127, 128), "any": (-128, 128)}
WEIGHTS = {"small": (-60, 61), "any": (-127, 128), "largest": (127, 128), "smallest": (-128, -127), "none": (0, 1)}


@pytest.mark.parametrize("inputs", INPUTS)
@pytest.mark.parametrize("weights", WEIGHTS)
@pytest.mark.parametrize("length", [1, 4, 7, 27, 64])
def test_both_sums_are_exact(inputs, weights, length):
    rng = np.random.default_rng(length)
    w = rng.integers(*WEIGHTS[weights], (3, length)).astype(np.int8)
    x = np.zeros((2, padded_length(length)), np.int64)
    x[:, :length] = rng.integers(*INPUTS[inputs], (2, length))
    table = lane_blocks(w)
    stream = stream_of(*x)
    assert len(stream) == stream_words(length)
    for channel, bias in enumerate((0, -70_000, 1 << 24)):
        assert sums_of(table, channel, bias, stream) == tuple(bias + w[channel].astype(int) @ x[:, :length].T)


def test_what_a_block_holds_fits_its_lane():
    w = np.random.default_rng(1).integers(-128, 128, (64, 200)).astype(np.int8)
    table = lane_blocks(w)
    kept = np.ascontiguousarray(table.words).view(np.uint8).astype(int).reshape(64, -1, BLOCK) - 128
    assert np.abs(kept).sum(axis=2).max() <= LIMIT
    assert all(np.abs(values).max() <= 128 for _, values in table.exceptions)
    rest = np.zeros((64, kept.shape[1] * BLOCK), int)
    for row, (where, values) in zip(rest, table.exceptions, strict=True):
        row[where] = values
    np.testing.assert_array_equal((kept.reshape(64, -1) + rest)[:, :200], w)


def test_small_weights_need_no_exceptions():
    assert all(len(where) == 0 for where, _ in lane_blocks(np.full((2, 16), 63, np.int8)).exceptions)
    assert [len(where) for where, _ in lane_blocks(np.full((1, 4), 64, np.int8)).exceptions] == [1]


def test_the_last_place_has_sixteen_bits():
    none = np.zeros(0, np.int32), np.zeros(0, np.int32)
    counts, place = exception_words((none, (np.array([MAX_LENGTH - 1]), np.array([-128]))))
    assert counts == 1 << 16
    assert place & 0xFFFF == 4 * ((MAX_LENGTH - 1) // 4 * 5 + 1 + (MAX_LENGTH - 1) % 4) and place >> 16 == -128
