"""Calibration files: what fits is taken, anything else is named."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from edgeq.errors import CalibrationError
from edgeq.quant.calibration import load_calibration
from tests.passes.net import Net


@pytest.fixture
def graph():
    net = Net()
    return net.graph(net.node("TANH", net.input(2, 3)))


@pytest.fixture
def pair():
    net = Net()
    return net.graph(net.node("TANH", net.input(2)), net.node("TANH", net.input(3)))


def save(path, **arrays):
    np.savez(path, **arrays)
    return path


@pytest.mark.parametrize("shape", [(5, 2, 3), (5, 1, 2, 3)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.uint8, np.int16])
def test_vectors_come_with_or_without_a_batch_axis_in_any_number_type(graph, tmp_path, shape, dtype):
    data = np.arange(30).reshape(shape).astype(dtype)
    np.save(tmp_path / "c.npy", data)
    (found,) = load_calibration(tmp_path / "c.npy", graph).values()
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, data.reshape(5, 1, 2, 3))


def test_one_vector_may_come_bare(graph, tmp_path):
    np.save(tmp_path / "c.npy", np.ones((2, 3)))
    assert load_calibration(tmp_path / "c.npy", graph)["in0"].shape == (1, 1, 2, 3)


def test_arrays_are_found_by_input_name(pair, tmp_path):
    path = save(tmp_path / "c.npz", in1=np.full((4, 3), 2.0), in0=np.full((4, 2), 1.0))
    found = load_calibration(path, pair)
    assert found["in0"].shape == (4, 1, 2) and found["in1"].max() == 2.0


def test_arrays_of_other_names_are_taken_in_order(pair, tmp_path):
    path = save(tmp_path / "c.npz", first=np.full((4, 2), 1.0), second=np.full((4, 3), 2.0))
    assert load_calibration(path, pair)["in1"].max() == 2.0


def test_half_matching_names_are_refused(pair, tmp_path):
    path = save(tmp_path / "c.npz", in0=np.ones((4, 2)), other=np.ones((4, 3)))
    with pytest.raises(CalibrationError, match="no array for the inputs 'in1'"):
        load_calibration(path, pair)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (np.ones((5, 3, 2)), r"shape \(n, 2, 3\), got \(5, 3, 2\)"),
        (np.ones((0, 2, 3)), "empty"),
        (np.full((1, 2, 3), np.nan), "NaN or infinite"),
        (np.full((1, 2, 3), np.inf), "NaN or infinite"),
        (np.full((1, 2, 3), 1e300), "NaN or infinite"),
        (np.full((1, 2, 3), "x"), "numbers are needed"),
        (np.ones((1, 2, 3), complex), "numbers are needed"),
    ],
)
@pytest.mark.filterwarnings("ignore:overflow")
def test_data_that_do_not_fit_are_refused(graph, tmp_path, data, message):
    np.save(tmp_path / "c.npy", data)
    with pytest.raises(CalibrationError, match=message):
        load_calibration(tmp_path / "c.npy", graph)


def test_different_numbers_of_vectors_are_refused(pair, tmp_path):
    path = save(tmp_path / "c.npz", in0=np.ones((4, 2)), in1=np.ones((5, 3)))
    with pytest.raises(CalibrationError, match="different numbers of vectors"):
        load_calibration(path, pair)


def test_too_few_arrays_are_refused(pair, tmp_path):
    with pytest.raises(CalibrationError, match="1 arrays .* for 2 inputs"):
        load_calibration(save(tmp_path / "c.npz", in0=np.ones((4, 2))), pair)


@pytest.mark.parametrize("content", [b"", b"\x93NUMPY", b"PK\x03\x04", b"text", pickle.dumps([1])])
def test_other_files_are_refused(graph, tmp_path, content):
    path = tmp_path / "c.npy"
    path.write_bytes(content)
    with pytest.raises(CalibrationError, match="not a readable"):
        load_calibration(path, graph)


def test_pickled_objects_are_never_loaded(graph, tmp_path):
    np.save(tmp_path / "c.npy", np.array([{"a": 1}], object), allow_pickle=True)
    with pytest.raises(CalibrationError, match="allow_pickle"):
        load_calibration(tmp_path / "c.npy", graph)


def test_truncated_files_are_refused(graph, tmp_path):
    whole = save(tmp_path / "c.npz", in0=np.ones((50, 2, 3)))
    data = whole.read_bytes()
    for part in range(8):
        whole.write_bytes(data[: len(data) * part // 8])
        with pytest.raises(CalibrationError):
            load_calibration(whole, graph)


def test_a_missing_file_is_refused(graph, tmp_path):
    with pytest.raises(CalibrationError, match="none.npz"):
        load_calibration(tmp_path / "none.npz", graph)
