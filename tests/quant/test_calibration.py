"""Calibration files: what fits is taken, anything else is named."""

from __future__ import annotations

import pickle
import tracemalloc

import numpy as np
import pytest

from edgeq.errors import CalibrationError
from edgeq.quant.calibration import load_calibration, open_calibration
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


def test_a_folder_is_read_in_the_order_of_its_names(graph, tmp_path):
    data = np.random.default_rng(0).normal(size=(7, 2, 3)).astype(np.float32)
    for index, part in enumerate(np.split(data[:6], 3)):
        np.save(tmp_path / f"{index}.npy", part)
    np.savez(tmp_path / "3.npz", in0=data[6])  # a single bare vector
    (tmp_path / "README").write_text("not data")
    samples = open_calibration(tmp_path, graph)
    assert samples.total == 7
    np.testing.assert_array_equal(load_calibration(tmp_path, graph)["in0"], data[:, np.newaxis])
    np.testing.assert_array_equal(samples.some(3)["in0"][:, 0], data[[0, 3, 6]])


def test_a_folder_without_data_and_one_with_a_wrong_file(graph, tmp_path):
    with pytest.raises(CalibrationError, match=r"no \.npy or \.npz"):
        open_calibration(tmp_path, graph)
    np.save(tmp_path / "a.npy", np.ones((4, 2, 3)))
    np.save(tmp_path / "b.npy", np.ones((4, 3, 3)))
    with pytest.raises(CalibrationError, match=r"b\.npy.*\(n, 2, 3\)"):
        open_calibration(tmp_path, graph)


def test_a_function_gives_vectors_as_often_as_it_is_called(pair):
    def vectors():
        for index in range(5):
            yield {"in1": np.full(3, index), "in0": np.full((1, 2), -index)}

    samples = open_calibration(vectors, pair)
    assert samples.total is None
    for _ in range(2):
        found = samples.some(10)
        assert found["in1"].max() == 4 and found["in0"].min() == -4 and found["in0"].shape == (5, 1, 2)
    assert [len(batch["in0"]) for batch in samples.batches(1)] == [1] * 5


@pytest.mark.parametrize("vector", [np.ones((1, 2, 3)), [np.ones((2, 3))], (np.ones((1, 2, 3)),)])
def test_a_function_gives_arrays_or_sequences_of_them(graph, vector):
    assert open_calibration(lambda: [vector] * 3, graph).some(9)["in0"].shape == (3, 1, 2, 3)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (lambda: 5, "an iterable of vectors"),
        (lambda: [], "there is no calibration data"),
        (lambda: [[np.ones((2, 3)), np.ones(1)]], "2 arrays"),
        (lambda: [np.full((2, 3), np.nan)], "NaN"),
    ],
)
def test_functions_that_give_something_else(graph, source, message):
    with pytest.raises(CalibrationError, match=message):
        open_calibration(source, graph).some(4)


def test_a_generator_that_can_be_read_once_only_is_refused(graph):
    with pytest.raises(CalibrationError, match="generator") as caught:
        open_calibration((np.ones((2, 3)) for _ in range(3)), graph)
    assert "each time it is called" in caught.value.hint


def test_a_draw_of_unknown_many_is_even_and_repeats(graph):
    def vectors():
        return (np.full((2, 3), index) for index in range(1000))

    first, second = (open_calibration(vectors, graph).some(100)["in0"][:, 0, 0, 0] for _ in range(2))
    np.testing.assert_array_equal(first, second)
    assert len(set(first)) == 100 and 400 < first.mean() < 600


@pytest.mark.parametrize("suffix", ["npy", "npz"])
def test_a_large_file_takes_little_memory(tmp_path, suffix):
    """60 MB of data are observed in a third of that."""
    net = Net()
    graph = net.graph(net.node("TANH", net.input(100, 100)))
    data = np.zeros((1500, 100, 100), np.float32)
    data[1234, 5, 6] = 9.0
    path = tmp_path / f"c.{suffix}"
    np.save(path, data) if suffix == "npy" else np.savez(path, data)
    del data
    tracemalloc.start()
    try:
        largest = max(float(batch["in0"].max()) for batch in open_calibration(path, graph).batches(8))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert largest == 9.0 and peak < 40 << 20


@pytest.mark.parametrize("suffix", ["npy", "npz"])
def test_arrays_stored_by_columns_are_read_too(graph, tmp_path, suffix):
    data = np.asfortranarray(np.arange(30.0).reshape(5, 2, 3))
    path = tmp_path / f"c.{suffix}"
    np.save(path, data) if suffix == "npy" else np.savez(path, data)
    np.testing.assert_array_equal(load_calibration(path, graph)["in0"][:, 0], data)
