"""The C that rounds equals `edgeq.fixedpoint`, at ties and at the ends of every range."""

from __future__ import annotations

import ctypes

import numpy as np
import pytest

from edgeq import fixedpoint

INT32_MIN, INT32_MAX = fixedpoint.INT32_MIN, fixedpoint.INT32_MAX


def operands() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Values, multipliers and shifts: every combination of remarkable ones, and random ones."""
    rng = np.random.default_rng(1)
    powers = [1 << k for k in range(31)]
    ends = [0, INT32_MAX, INT32_MAX - 1, INT32_MIN, INT32_MIN + 1]
    x = ends + [p + d for p in powers for d in (-1, 0, 1)]
    x = np.unique(np.array(x + [-v for v in x if v > INT32_MIN], np.int64))
    m = np.array([0, 1, 1 << 30, (1 << 30) + 1, 3 << 29, INT32_MAX, -(1 << 30), -INT32_MAX], np.int64)
    s = np.arange(-31, 31)
    grid = [a.reshape(-1) for a in np.meshgrid(x, m, s, indexing="ij")]
    count = 100_000
    values = rng.integers(INT32_MIN, INT32_MAX, count) >> rng.integers(0, 31, count)
    drawn = values, rng.integers(1 << 30, 1 << 31, count), rng.integers(-31, 31, count)
    x, m, s = (np.concatenate(pair) for pair in zip(grid, drawn, strict=True))
    fits = np.abs(x) << np.maximum(s, 0) <= INT32_MAX
    return x[fits], m[fits], s[fits]


def call(function: ctypes._CFuncPtr, *arrays: np.ndarray) -> np.ndarray:
    columns = [np.ascontiguousarray(a, np.int32) for a in arrays]
    out = np.empty_like(columns[0])
    function(out.size, *(a.ctypes.data_as(ctypes.c_void_p) for a in (*columns, out)))
    return out


@pytest.mark.parametrize("single", [False, True])
def test_requantize(runtime: ctypes.CDLL, single: bool) -> None:
    x, m, s = operands()
    out = call(runtime.requantize_single if single else runtime.requantize, x, m, s)
    np.testing.assert_array_equal(out, fixedpoint.requantize(x, m, s, single=single))


def test_the_roundings_differ(runtime: ctypes.CDLL) -> None:
    """A tie of the right shift: away from zero if rounded twice, up if once."""
    x, m, s = np.array([-6, 6]), np.array([1 << 30, 1 << 30]), np.array([-1, -1])
    assert call(runtime.requantize, x, m, s).tolist() == [-2, 2]
    assert call(runtime.requantize_single, x, m, s).tolist() == [-1, 2]


def test_mul_q31(runtime: ctypes.CDLL) -> None:
    x, m, s = operands()
    ends = np.array([INT32_MIN, INT32_MIN, INT32_MAX, INT32_MAX])
    x, m, s = np.append(x, ends), np.append(m, ends[[0, 2, 0, 2]]), np.append(s, ends * 0)
    np.testing.assert_array_equal(call(runtime.mul_q31, x, m, s), fixedpoint.doubling_high_mult(x, m))


def test_divide_by_pot(runtime: ctypes.CDLL) -> None:
    x, _, s = operands()
    right = np.maximum(-s, 0)
    out = call(runtime.divide_by_pot, x, s, -right)
    np.testing.assert_array_equal(out, fixedpoint.rounding_divide_by_pot(x, right))
