"""Our own kernels of plain integers: what they refuse, and what no reference can be asked. The conformance test does
the rest."""

from __future__ import annotations

import ctypes

import numpy as np

from .test_kernels import ARG_ERROR, ints, pointer

BOOL, INT8, INT32, INT64 = 0, 1, 3, 4
EQUAL, LOGICAL_AND, FLOOR_DIV, FLOOR_MOD = 0, 6, 8, 9


def pairwise(runtime: ctypes.CDLL, op: int, a: np.ndarray, b: np.ndarray, kind: int) -> np.ndarray:
    y = np.empty_like(a)
    dims, strides = ints([a.size]), ints([1])
    shape = pointer(dims), pointer(strides), pointer(strides)
    assert runtime.edgeq_integer_pairwise(op, kind, pointer(a), pointer(b), 1, *shape, kind, pointer(y)) == 0
    return y


def test_divisions_that_have_no_result(runtime: ctypes.CDLL) -> None:
    """Nothing traps: a division by zero gives 0, the smallest integer by −1 itself."""
    low = np.iinfo(np.int64).min
    a, b = np.int64([5, -5, 0, low, low, 7]), np.int64([0, 0, 0, -1, 1, -1])
    np.testing.assert_array_equal(pairwise(runtime, FLOOR_DIV, a, b, INT64), [0, 0, 0, low, low, -7])
    np.testing.assert_array_equal(pairwise(runtime, FLOOR_MOD, a, b, INT64), [0, 0, 0, 0, 0, 0])


def test_any_byte_but_zero_is_true(runtime: ctypes.CDLL) -> None:
    a, b = np.uint8([2, 255, 0, 7]), np.uint8([1, 4, 9, 0])
    np.testing.assert_array_equal(pairwise(runtime, LOGICAL_AND, a, b, BOOL), [1, 1, 0, 0])
    assert runtime.edgeq_logical_not(pointer(a), 4, pointer(a)) == 0
    np.testing.assert_array_equal(a, [0, 0, 1, 0])


def test_bad_arguments_are_refused(runtime: ctypes.CDLL) -> None:
    x, empty = np.zeros(16, np.int8), ints([0])
    p, e = pointer(x), pointer(empty)
    compared = runtime.edgeq_compare
    shifts = (0, 1 << 30, 0) * 2
    assert runtime.edgeq_integer_pairwise(EQUAL, INT8, p, p, 1, e, e, e, BOOL, p) == ARG_ERROR
    assert runtime.edgeq_integer_pairwise(EQUAL, INT8, p, p, 7, e, e, e, BOOL, p) == ARG_ERROR
    assert compared(EQUAL, INT8, p, p, 1, e, e, e, *shifts, 8, p) == ARG_ERROR
    assert compared(LOGICAL_AND, INT8, p, p, 0, e, e, e, *shifts, 8, p) == ARG_ERROR
    assert runtime.edgeq_select(p, p, p, 1, -1, e, e, e, e, p) == ARG_ERROR
    assert runtime.edgeq_select(p, p, p, 0, 0, e, e, e, e, p) == ARG_ERROR
    assert runtime.edgeq_arg_extreme(True, INT8, p, 1, 0, 1, INT32, p) == ARG_ERROR
    assert runtime.edgeq_cast(INT8, p, -1, INT8, p) == ARG_ERROR
    assert runtime.edgeq_logical_not(p, -1, p) == ARG_ERROR
