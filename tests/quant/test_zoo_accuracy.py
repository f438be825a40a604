"""Real models: our int8 is no worse than the TensorFlow converter's int8 from the same calibration data.

Both are run with reference arithmetic. Natural inputs: crops of scikit-learn's two photographs, 0 to 255 as the model
was trained (its published int8 file has input scale 1), and real log-mel frames.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edgeq.importers import load, tflite
from edgeq.ops import Activation
from edgeq.passes import prepare_float, prepare_quantized
from edgeq.quant.evaluate import run
from edgeq.quant.quantize import quantize
from edgeq.quant.schemes import INT8

from ..e2e.zoo import FOLDER, ad_windows, needs_zoo
from .integers import as_integers, assert_reference_agrees, real_outputs, sqnr

pytestmark = needs_zoo


@pytest.fixture(scope="module")
def crops():
    """(n, 1, 32, 32, 3) float32, 0 to 255: squares of 32 to 255 pixels, scaled down by leaving out pixels."""
    tf = pytest.importorskip("tensorflow")
    datasets = pytest.importorskip("sklearn.datasets")
    folder = Path(datasets.__file__).parent / "images"
    photographs = [tf.io.decode_jpeg((folder / name).read_bytes()).numpy() for name in ("china.jpg", "flower.jpg")]
    rng = np.random.default_rng(1)
    found = []
    for index in range(640):
        image = photographs[index % 2]
        size = int(rng.integers(32, 256))
        row, column = (int(rng.integers(0, extent - size)) for extent in image.shape[:2])
        pick = np.arange(32) * size // 32
        found.append(image[row : row + size, column : column + size][pick][:, pick])
    return np.stack(found).astype(np.float32)[:, np.newaxis]


@pytest.fixture(scope="module")
def windows():
    """(196, 1, 640) float32: five consecutive frames of 128 log-mel bins."""
    return ad_windows()[:, np.newaxis]


def keras_model(path):
    """The Keras model of an `.h5` file, or one made of the dense layers of a float `.tflite` file."""
    keras = pytest.importorskip("tensorflow").keras
    if path.suffix == ".h5":
        return keras.models.load_model(path, compile=False)
    graph = tflite.load(path)
    model = keras.Sequential([keras.Input((graph.tensors[graph.inputs[0]].shape[1],))])
    for node in graph.nodes:
        _, weights, bias = graph.operands(node)
        activation = "relu" if node.attrs.activation is Activation.RELU else None
        model.add(keras.layers.Dense(weights.shape[0], activation=activation))
        model.layers[-1].set_weights([weights.data.T, bias.data])
    return model


def tensorflow_int8(path, calibration, folder):
    """The graph that TensorFlow's converter makes of a float model, read by our importer, which is exact."""
    tf = pytest.importorskip("tensorflow")
    model = keras_model(path)
    # a fixed batch: with an open one, the converter computes Flatten's shape at run time
    fixed = tf.keras.models.clone_model(model, [tf.keras.Input(batch_shape=(1, *model.inputs[0].shape[1:]))])
    fixed.set_weights(model.get_weights())
    converter = tf.lite.TFLiteConverter.from_keras_model(fixed)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: ([x] for x in calibration)
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = converter.inference_output_type = tf.int8
    (folder / "tf.tflite").write_bytes(converter.convert())
    return prepare_quantized(tflite.load(folder / "tf.tflite"))


def outputs(graph, data, evaluate):
    (name,), (output,) = graph.inputs, graph.outputs
    parts = [evaluate(graph, {name: data[i : i + 64]})[output] for i in range(0, len(data), 64)]
    return np.concatenate(parts).reshape(len(data), -1)


@pytest.mark.parametrize("extension", [".h5", ".tflite"])
def test_resnet8_agrees_with_float_as_often_as_tensorflows_int8(crops, tmp_path, extension):
    calibration, data = crops[:128], crops[128:]
    graph = prepare_float(load(FOLDER / f"resnet8_float{extension}"))
    integer = quantize(graph, {graph.inputs[0]: calibration}, INT8)
    theirs = tensorflow_int8(FOLDER / "resnet8_float.h5", calibration, tmp_path)
    exact = outputs(graph, data, run)
    agreement = {}
    for name, candidate in (("edgeq", integer), ("tensorflow", theirs)):
        found = outputs(candidate, data, real_outputs)
        agreement[name] = float((found.argmax(axis=1) == exact.argmax(axis=1)).mean()), sqnr(exact, found)
    print(f"resnet8{extension}: (top-1 agreement, SQNR dB) of {agreement}")
    for mine, reference in zip(agreement["edgeq"], agreement["tensorflow"], strict=True):
        assert mine >= reference
    assert_reference_agrees(integer, {graph.inputs[0]: data[:2]})


@pytest.mark.parametrize("extension", [".h5", ".tflite"])
@pytest.mark.parametrize("step", [1, 2, 7])
def test_anomaly_detection_is_no_noisier_than_tensorflows_int8(windows, tmp_path, step, extension):
    """The two files hold different weights."""
    calibration = windows[::step]
    graph = prepare_float(load(FOLDER / f"ad_float{extension}"))
    integer = quantize(graph, {graph.inputs[0]: calibration}, INT8)
    theirs = tensorflow_int8(FOLDER / f"ad_float{extension}", calibration, tmp_path)
    exact = outputs(graph, windows, run)
    mine, reference = (sqnr(exact, outputs(g, windows, real_outputs)) for g in (integer, theirs))
    print(
        f"anomaly detection {extension}, {len(calibration)} windows: SQNR {mine:.2f} dB, TensorFlow {reference:.2f} dB"
    )
    assert mine >= reference
    assert_reference_agrees(integer, {graph.inputs[0]: windows[:4]})


def test_inputs_are_rounded_like_tensorflows(windows):
    graph = prepare_float(load(FOLDER / "ad_float.tflite"))
    integer = quantize(graph, {graph.inputs[0]: windows}, INT8)
    (integers,) = as_integers(integer, {graph.inputs[0]: windows}).values()
    assert integers.min() == -128 and integers.max() == 127
