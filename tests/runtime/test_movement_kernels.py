"""Our own kernels that move, pick and reduce elements, against NumPy."""

from __future__ import annotations

import ctypes

import numpy as np
import pytest

from .test_kernels import ARG_ERROR, CASES, draw_int8, element_strides, ints, pointer


@pytest.mark.parametrize("seed", CASES)
def test_copy(runtime: ctypes.CDLL, seed: int) -> None:
    """Any view: reversed, stepped over, transposed, repeated."""
    rng = np.random.default_rng(seed)
    rank = int(rng.integers(0, 9))
    x = draw_int8(rng, rng.integers(1, 5, rank))
    steps = [int(s) for s in rng.choice([1, 2, -1, -2], rank)]
    view = x[(*(slice(None, None, step) for step in steps), ...)].transpose(rng.permutation(rank))
    if rank < 8 and rng.random() < 0.5:
        view = np.broadcast_to(view, (int(rng.integers(1, 4)), *view.shape))
    out = np.empty(view.shape, np.int8)
    # a view of a dimension of 1 may have any stride
    dims, strides = ints(view.shape), ints(view.strides)
    first = ctypes.c_void_p(view.__array_interface__["data"][0])
    assert runtime.edgeq_copy_s8(first, view.ndim, pointer(dims), pointer(strides), pointer(out)) == 0
    np.testing.assert_array_equal(out, view)


@pytest.mark.parametrize("seed", CASES)
def test_gather(runtime: ctypes.CDLL, seed: int) -> None:
    rng = np.random.default_rng(seed)
    rank, inner = int(rng.integers(0, 4)), int(rng.integers(1, 6))
    x = draw_int8(rng, (*rng.integers(1, 5, rank), inner))
    places = [rng.integers(0, d, int(rng.integers(1, 6))) for d in x.shape[:-1]]
    expected = x[np.ix_(*places)] if rank else x
    offsets = ints(np.concatenate([p * s for p, s in zip(places, x.strides[:-1], strict=True)] or [[]]))
    dims = ints([len(p) for p in places])
    out = np.empty(expected.shape, np.int8)
    assert runtime.edgeq_gather_s8(pointer(x), rank, pointer(dims), pointer(offsets), inner, pointer(out)) == 0
    np.testing.assert_array_equal(out, expected)


@pytest.mark.parametrize("seed", CASES)
@pytest.mark.parametrize("name", ["max", "min"])
def test_reduce(runtime: ctypes.CDLL, name: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    rank = int(rng.integers(1, 7))
    x = draw_int8(rng, rng.integers(1, 5, rank))
    is_reduced = rng.random(rank) < 0.5
    kept, reduced = np.flatnonzero(~is_reduced), np.flatnonzero(is_reduced)
    expected = getattr(x, name)(axis=tuple(reduced))
    shape, strides = ints(x.shape), ints(x.strides)
    arrays = shape[kept], strides[kept], shape[reduced], strides[reduced]
    kept_dims, kept_strides, reduced_dims, reduced_strides = map(pointer, arrays)
    out = np.empty(expected.shape, np.int8)
    function = getattr(runtime, f"edgeq_reduce_{name}_s8")
    status = function(
        pointer(x), len(kept), kept_dims, kept_strides, len(reduced), reduced_dims, reduced_strides, pointer(out)
    )
    assert status == 0
    np.testing.assert_array_equal(out, expected)


@pytest.mark.parametrize("seed", CASES)
@pytest.mark.parametrize("name", ["minimum", "maximum"])
def test_extremes(runtime: ctypes.CDLL, name: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    rank = int(rng.integers(0, 7))
    shape = rng.integers(1, 5, rank)
    a, b = (draw_int8(rng, np.where(rng.random(rank) < 0.4, 1, shape)) for _ in range(2))
    expected = getattr(np, name)(a, b)
    out = np.empty(expected.shape, np.int8)
    arrays = ints(expected.shape), element_strides(a), element_strides(b)
    function = getattr(runtime, f"edgeq_{name}_s8")
    assert function(pointer(a), pointer(b), rank, *map(pointer, arrays), pointer(out)) == 0
    np.testing.assert_array_equal(out, expected)


def test_bad_shapes_are_refused(runtime: ctypes.CDLL) -> None:
    x, ones, empty = np.zeros(4, np.int8), ints([1] * 9), ints([0])
    p, d, e = pointer(x), pointer(ones), pointer(empty)
    assert runtime.edgeq_copy_s8(p, 9, d, d, p) == ARG_ERROR
    assert runtime.edgeq_copy_s8(p, 1, e, d, p) == ARG_ERROR
    assert runtime.edgeq_gather_s8(p, 7, d, d, 1, p) == ARG_ERROR
    assert runtime.edgeq_gather_s8(p, 1, d, d, 0, p) == ARG_ERROR
    for name in ("max", "min"):
        assert getattr(runtime, f"edgeq_reduce_{name}_s8")(p, 7, d, d, 0, d, d, p) == ARG_ERROR
        assert getattr(runtime, f"edgeq_reduce_{name}_s8")(p, 0, d, d, 1, e, d, p) == ARG_ERROR
    for name in ("minimum", "maximum"):
        assert getattr(runtime, f"edgeq_{name}_s8")(p, p, -1, d, d, d, p) == ARG_ERROR
    assert runtime.edgeq_squared_difference_s8(p, p, 7, d, d, d, *([0] * 7), p, 0, 0, 0) == ARG_ERROR
    assert runtime.edgeq_prelu_s8(p, p, 1, e, d, d, 0, 0, p, *([0] * 5)) == ARG_ERROR
    one, two = ints([1, 2, 2, 3]), ints([2, 2, 2, 3])
    assert runtime.edgeq_resize_bilinear_s8(pointer(one), p, 0, 0, 0, 0, pointer(two), p) == ARG_ERROR
