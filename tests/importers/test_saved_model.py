"""SavedModel folders are read by way of TensorFlow, in a process of its own."""

from __future__ import annotations

import importlib.util

import numpy as np
import pytest

from edgeq import importers
from edgeq.errors import ModelError
from edgeq.importers import saved_model
from edgeq.quant.evaluate import run

pytestmark = pytest.mark.xdist_group("tensorflow")


def test_computes_what_the_model_computes(keras, tmp_path):
    keras.utils.set_random_seed(5)
    layers = keras.layers
    model = keras.Sequential(
        [keras.Input((8, 8, 2)), layers.Conv2D(3, 3, activation="relu"), layers.Flatten(), layers.Dense(4)]
    )
    folder = tmp_path / "exported"
    model.export(folder, verbose=False)
    graph = importers.load(folder)
    assert (graph.name, graph.source) == ("exported", str(folder))
    x = np.random.default_rng(0).normal(size=(3, 8, 8, 2)).astype(np.float32)
    found = run(graph, {graph.inputs[0]: x[:, np.newaxis]})[graph.outputs[0]][:, 0]
    np.testing.assert_allclose(found, model(x), atol=1e-5)


def test_what_reaches_outside_the_model_is_not_run(tmp_path):
    tf = pytest.importorskip("tensorflow")
    secret = tmp_path / "secret"
    secret.write_text("1.0")

    class Reader(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec((1,), tf.float32)])
        def __call__(self, x):
            return x + tf.strings.to_number(tf.io.read_file(str(secret)))

    model = Reader()
    tf.saved_model.save(model, str(tmp_path / "model"), signatures=model.__call__.get_concrete_function())
    with pytest.raises(ModelError, match="reach outside it.*: ReadFile"):
        importers.load(tmp_path / "model")


@pytest.fixture
def damaged(tmp_path):
    folder = tmp_path / "damaged"
    folder.mkdir()
    (folder / saved_model.MARKER).write_bytes(b"\xff" * 40)
    return folder


def test_without_tensorflow_there_is_a_way_out(damaged, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ModelError, match="not installed") as caught:
        importers.load(damaged)
    assert ".keras" in caught.value.hint and "from_saved_model" in caught.value.hint


def test_a_huge_one_is_refused(damaged, monkeypatch):
    monkeypatch.setattr(saved_model, "MAX_BYTES", 39)
    with pytest.raises(ModelError, match="exceeds"):
        importers.load(damaged)


def test_another_folder_is_none(tmp_path):
    with pytest.raises(ModelError, match="no SavedModel"):
        importers.load(tmp_path)


def test_recurrent_layers_of_an_open_batch_have_a_way_out(keras, tmp_path):
    model = keras.Sequential([keras.Input((5, 3)), keras.layers.LSTM(4)])
    model.export(tmp_path / "lstm", verbose=False)
    with pytest.raises(ModelError, match="cannot convert") as error:
        importers.load(tmp_path / "lstm")
    assert "batch_size=1" in error.value.hint
