"""What TensorFlow's converter writes of one Keras model, in all its flavours, builds and stays close to the model."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edgeq import api
from tests import reference
from tests.ops.one_op import run_litert
from tests.tools import needs_host

pytestmark = [needs_host, pytest.mark.xdist_group("boards")]
FLAVOURS = ("float32", "float16", "dynamic range", "int8, float edges", "int8, int8 edges", "int8, uint8 edges")


@pytest.fixture(scope="module")
def convert(digits, tmp_path_factory):
    """flavour → a `.tflite` file of the digits model, with an open batch as users have it."""
    import keras
    import tensorflow as tf

    folder = tmp_path_factory.mktemp("converted")
    model = keras.models.load_model(digits / "digits.keras")
    samples = np.load(digits / "calibration.npz")["images"]

    def get(flavour: str) -> Path:
        converter = tf.lite.TFLiteConverter.from_keras_model(model)
        if flavour != "float32":
            converter.optimizations = [tf.lite.Optimize.DEFAULT]
        if flavour == "float16":
            converter.target_spec.supported_types = [tf.float16]
        if flavour.startswith("int8"):
            converter.representative_dataset = lambda: ([sample[np.newaxis]] for sample in samples[:64])
            converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        edges = {"int8, int8 edges": tf.int8, "int8, uint8 edges": tf.uint8}.get(flavour, tf.float32)
        converter.inference_input_type = converter.inference_output_type = edges
        path = folder / f"{flavour.replace(', ', '_').replace(' ', '_')}.tflite"
        path.write_bytes(converter.convert())
        return path

    return get


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_every_flavour_builds_and_agrees_with_the_model(flavour, convert, digits, tmp_path):
    calibration = None if flavour.startswith("int8") else digits / "calibration.npz"
    project = api.build(
        convert(flavour), "mps2-an386", calibration=calibration, out=tmp_path / "firmware", compile=False
    )
    assert project.verify(on="host", vectors=8).equal
    held_out = np.load(digits / "test.npz")
    import keras

    expected = keras.models.load_model(digits / "digits.keras").predict(held_out["images"], verbose=0).argmax(1)
    (ours,) = project.simulate(held_out["images"]).values()
    assert np.mean(ours.reshape(len(expected), -1).argmax(1) == expected) >= 0.97


def test_one_dimensional_convolutions(tmp_path):
    """The converter frames them by EXPAND_DIMS and a reshape."""
    import keras
    import tensorflow as tf
    from keras import layers

    model = keras.Sequential([keras.Input((20, 2)), layers.Conv1D(4, 3, activation="relu"), layers.MaxPooling1D(2)])
    samples = np.random.default_rng(0).normal(size=(16, 1, 20, 2)).astype(np.float32)
    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: ([sample] for sample in samples)
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    path = tmp_path / "sequence.tflite"
    path.write_bytes(converter.convert())
    assert b"conv1d" in path.read_bytes()
    project = api.build(path, "mps2-an386", out=tmp_path / "firmware", compile=False)
    assert [call.op for call in project.program.calls] == ["CONV_2D", "MAX_POOL_2D"]
    assert project.verify(on="host", vectors=8).equal


def test_dense_layers_on_sequences(tmp_path):
    """The converter computes shapes at run time, and leaves all sizes of the matrices between them open."""
    import keras
    import tensorflow as tf
    from keras import layers

    model = keras.Sequential([keras.Input((5, 8)), layers.Dense(4, activation="relu"), layers.Dense(3)])
    samples = np.random.default_rng(0).normal(size=(16, 1, 5, 8)).astype(np.float32)
    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: ([sample] for sample in samples)
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = converter.inference_output_type = tf.int8
    path = tmp_path / "sequence.tflite"
    path.write_bytes(converter.convert())
    assert {"SHAPE", "GATHER", "REDUCE_PROD", "PACK", "CONCATENATION"} <= reference.operators(path.read_bytes())
    project = api.build(path, "mps2-an386", out=tmp_path / "firmware", compile=False, rounding="litert")
    assert [call.op for call in project.program.calls] == ["FULLY_CONNECTED"] * 2
    x = np.random.default_rng(1).integers(-128, 128, (20, 1, 5, 8)).astype(np.int8)
    theirs = reference.run(path.read_bytes(), [x], reference.LITERT)
    (ours,) = project.simulate(x).values()
    np.testing.assert_array_equal(ours, theirs[project.program.outputs[0]])
    assert project.verify(on="host", vectors=4).equal


def test_a_streaming_model_with_variables(tmp_path):
    """A ring of the last inputs in a variable, as streaming convolutions have it; the interpreter is the witness."""
    import tensorflow as tf

    weights = np.random.default_rng(3).normal(size=(12, 4)).astype(np.float32)

    class Streaming(tf.Module):
        def __init__(self):
            self.window = tf.Variable(np.full((1, 3, 4), 0.25, np.float32))

        @tf.function(input_signature=[tf.TensorSpec((1, 1, 4), tf.float32)])
        def __call__(self, x):
            self.window.assign(tf.concat([self.window.read_value()[:, 1:], x], axis=1))
            return tf.matmul(tf.reshape(self.window.read_value(), (1, 12)), weights)

    model = Streaming()
    samples = np.random.default_rng(0).normal(size=(32, 1, 1, 4)).astype(np.float32)
    converter = tf.lite.TFLiteConverter.from_concrete_functions([model.__call__.get_concrete_function()], model)
    converter.experimental_enable_resource_variables = True
    converter._experimental_variable_quantization = True
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: ([sample] for sample in samples)
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = converter.inference_output_type = tf.int8
    path = tmp_path / "streaming.tflite"
    path.write_bytes(converter.convert())
    assert {"CALL_ONCE", "VAR_HANDLE", "READ_VARIABLE", "ASSIGN_VARIABLE"} <= reference.operators(path.read_bytes())
    project = api.build(path, "mps2-an386", out=tmp_path / "firmware", compile=False, rounding="litert")
    assert [state["bytes"] for state in project.report()["states"]] == [12]
    x = np.random.default_rng(1).integers(-128, 128, (20, 1, 1, 4)).astype(np.int8)
    (ours,) = project.simulate(x).values()
    (theirs,) = run_litert(path.read_bytes(), [x])
    np.testing.assert_array_equal(ours, theirs)
    assert project.verify(on="host", inputs=x).equal
    (on_host,) = project.run(x, on="host").values()
    np.testing.assert_array_equal(on_host, theirs)
