"""Float graphs are run in batches that do not change what they compute."""

from __future__ import annotations

import numpy as np
import pytest

from edgeq.errors import CalibrationError
from edgeq.quant import evaluate as module
from edgeq.quant.evaluate import batches, evaluate, run
from edgeq.quant.observers import find_observer, known_observers, observe
from tests.passes.net import Net


@pytest.fixture
def graph():
    net = Net()
    x = net.node("FULLY_CONNECTED", net.input(4), net.constant([[1, 0, 0, 0], [0, 2, 0, 0]]), name="dense")
    return net.graph(net.node("RELU", x, name="relu"))


def test_every_tensor_is_computed(graph):
    values = evaluate(graph, {"in0": np.float32([[[3, -4, 0, 0]]])})
    np.testing.assert_array_equal(values["dense"], [[[3, -8]]])
    np.testing.assert_array_equal(values["relu"], [[[3, 0]]])


def test_a_visitor_sees_tensors_in_order_and_may_replace_them(graph):
    seen = []

    def visit(tensor, values):
        seen.append(tensor.name)
        return values + 10 if tensor.name == "dense" else None

    values = evaluate(graph, {"in0": np.float32([[[3, -4, 0, 0]]])}, visit)
    assert seen == ["in0", "dense", "relu"]
    np.testing.assert_array_equal(values["relu"], [[[13, 2]]])


def test_batches_cover_all_vectors_in_order(graph, monkeypatch):
    data = np.random.default_rng(0).normal(size=(7, 1, 4)).astype(np.float32)
    whole = run(graph, {"in0": data})
    monkeypatch.setattr(module, "BATCH_BYTES", 1000)
    parts = list(batches(graph, {"in0": data}))
    assert len(parts) > 1
    np.testing.assert_array_equal(np.concatenate([part["in0"] for part in parts]), data)
    np.testing.assert_array_equal(run(graph, {"in0": data})["relu"], whole["relu"])


def test_inputs_of_unequal_length_are_refused():
    net = Net()
    graph = net.graph(net.node("ADD", net.input(2), net.input(2)))
    with pytest.raises(CalibrationError, match="same number"):
        run(graph, {"in0": np.zeros((2, 1, 2), np.float32), "in1": np.zeros((3, 1, 2), np.float32)})


def test_min_max_covers_all_batches(graph, monkeypatch):
    monkeypatch.setattr(module, "BATCH_BYTES", 1)
    data = np.float32([[[1, 5, 0, 0]], [[-2, -1, 0, 0]], [[0, 0, 0, 9]]])
    found = observe(graph, {"in0": data})
    assert found.vectors == 3
    assert found.ranges == {"in0": (-2.0, 9.0), "dense": (-2.0, 10.0), "relu": (0.0, 10.0)}


def test_moving_average_forgets_a_lone_outlier():
    average = find_observer("moving-average")()
    average.update(np.float32([[-1, 1]] * 50 + [[-100, 100]]))
    average.update(np.float32([[-1, 1]] * 50))
    low, high = average.range()
    assert 1 < high < 2 and low == pytest.approx(-high)


def test_moving_average_does_not_depend_on_batches():
    data = np.random.default_rng(1).normal(size=(9, 5)).astype(np.float32)
    whole, parts = find_observer("moving-average")(), find_observer("moving-average")()
    whole.update(data)
    for part in np.split(data, 3):
        parts.update(part)
    assert whole.range() == parts.range()


@pytest.mark.parametrize("name", known_observers())
def test_every_observer_names_an_ordered_finite_range_within_the_data(name):
    data = np.random.default_rng(2).normal(size=(64, 10)).astype(np.float32)
    each = find_observer(name)()
    each.update(data[:30])
    each.update(data[30:])
    low, high = each.range()
    assert data.min() <= low < high <= data.max()


def test_an_unknown_observer_is_refused():
    with pytest.raises(CalibrationError, match="min-max"):
        find_observer("magic")


@pytest.mark.filterwarnings("ignore:overflow")
def test_a_model_that_computes_nan_is_named(graph):
    with pytest.raises(CalibrationError, match="dense: .*NaN or infinite"):
        observe(graph, {"in0": np.full((1, 1, 4), 3e38, np.float32)})
