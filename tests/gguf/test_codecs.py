"""Blocks of weights: the bytes of the `gguf` package's own quantizer, which is the oracle here."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from edgeq.gguf.codecs import BLOCK, CODECS, GgmlType, decode, encode, q4_0, q4_1, q8_0

gguf = pytest.importorskip("gguf")
KINDS = tuple(GgmlType)


def theirs(values: np.ndarray, kind: GgmlType) -> bytes:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return gguf.quantize(values.copy(), gguf.GGMLQuantizationType(kind.value)).tobytes()


def ordinary(rng: np.random.Generator) -> np.ndarray:
    return rng.normal(size=(400, BLOCK)) * np.exp2(rng.uniform(-30, 14, (400, 1)))


def ties(rng: np.random.Generator) -> np.ndarray:
    """Multiples of a half step, the extremes among them on either side."""
    values = rng.integers(-32, 33, (400, BLOCK)) / 2.0
    values[:, 0] = rng.choice([-16, 16, 15], 400)
    return values


def equal(rng: np.random.Generator) -> np.ndarray:
    """Blocks of one value, 0 and −0 among them."""
    return np.repeat(np.array([0.0, -0.0, 1.0, -1.0, 3e-8, -7e4, 1e-41])[:, np.newaxis], BLOCK, axis=1)


def tiny(rng: np.random.Generator) -> np.ndarray:
    """Subnormal, and so small that scales or their reciprocals are."""
    return rng.normal(size=(300, BLOCK)) * 10.0 ** rng.uniform(-46, -36, (300, 1))


def huge(rng: np.random.Generator) -> np.ndarray:
    """Beyond float16, up to the largest float32: ranges overflow."""
    values = rng.normal(size=(300, BLOCK)) * 10.0 ** rng.uniform(4, 38, (300, 1))
    values[::7, 3], values[::7, 4] = 3.4e38, -3.4e38
    return np.clip(values, -3.4e38, 3.4e38)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
@pytest.mark.parametrize("make", [ordinary, ties, equal, tiny, huge])
def test_blocks_are_those_of_the_package(make, kind):
    values = make(np.random.default_rng(3)).astype(np.float32)
    assert encode(values, kind) == theirs(values, kind)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_any_bytes_are_read_as_the_package_reads_them(kind):
    """NaN and infinite scales too."""
    data = np.random.default_rng(4).integers(0, 256, 500 * CODECS[kind].nbytes, np.uint8)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        known = gguf.dequantize(data.reshape(-1, CODECS[kind].nbytes), gguf.GGMLQuantizationType(kind.value))
    np.testing.assert_array_equal(decode(data.tobytes(), kind), known.reshape(-1))


def test_codes_and_scales_of_a_block():
    """Worked out by hand: steps of 1, and for Q4_0 the largest magnitude at code 0."""
    block = np.zeros((1, BLOCK), np.float32)
    block[0, :4] = [127, -63.5, 0.5, -0.5]
    scale, codes = q8_0(block)
    assert scale[0] == 1 and codes[0, :5].tolist() == [127, -64, 1, -1, 0]
    block[0, :4] = [8, -7, 0.5, -0.5]
    scale, codes = q4_0(block)
    assert scale[0] == -1 and codes[0, :5].tolist() == [0, 15, 8, 9, 8]
    block[0, :4] = [10, -5, 0.5, -0.5]
    scale, low, codes = q4_1(block)
    assert (scale[0], low[0]) == (1, -5) and codes[0, :5].tolist() == [15, 0, 6, 5, 5]
