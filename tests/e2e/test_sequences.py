"""The example of sequence models, briefly trained: quantizing costs at most a point of accuracy."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

COMPARE = Path(__file__).parents[2] / "examples" / "sequences" / "compare.py"
DIGITS = 200


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    """Accuracy by (model, scheme)."""
    pytest.importorskip("keras")
    pytest.importorskip("sklearn")
    spec = importlib.util.spec_from_file_location("compare_sequences", COMPARE)
    compare = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(compare)
    folder = tmp_path_factory.mktemp("sequences")
    compare.train(folder, "12")
    rows = compare.measure(folder, "mps2-an386", [], DIGITS)
    return {(name, scheme): accuracy for name, scheme, accuracy, _ in rows}


def test_they_are_trained_and_take_part_in_each_scheme(measured):
    names = {name for name, _ in measured}
    assert {"lstm", "gru", "lstm_stream", "gru_stream", "transformer"} == names
    assert all(measured[name, "float"] > 0.85 for name in names)
    assert {scheme for _, scheme in measured} == {"float", "int8", "int16x8"}


def test_a_stream_of_rows_is_the_sequence(measured):
    for kind in ("lstm", "gru"):
        assert measured[f"{kind}_stream", "float"] == measured[kind, "float"]


def test_quantizing_costs_a_point_at_most(measured):
    losses = {key: measured[key[0], "float"] - accuracy for key, accuracy in measured.items()}
    assert max(losses.values()) <= 0.01, losses
