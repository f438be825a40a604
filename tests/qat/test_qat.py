"""Quantization-aware training: what is trained is what runs."""

from __future__ import annotations

import functools
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from edgeq import api, importers, qat
from edgeq.errors import EdgeqError, ModelError, ProjectError, QuantizationError
from edgeq.ir import DType
from edgeq.ops import find_op
from edgeq.qat import fake_quant as fq
from edgeq.quant import recipes
from edgeq.quant.evaluate import evaluate
from edgeq.quant.params import affine_params
from edgeq.quant.quantize import quantize
from edgeq.quant.schemes import INT8, find_scheme
from tests.quant.integers import as_integers, assert_reference_agrees, real_outputs, trace

# one worker trains, all tests read
pytestmark = pytest.mark.xdist_group("qat")
CALIBRATION = 128


@pytest.fixture(scope="module")
def digits() -> tuple[np.ndarray, np.ndarray]:
    from sklearn.datasets import load_digits

    found = load_digits()
    return found.images[..., np.newaxis].astype(np.float32), found.target


@pytest.fixture(scope="module")
def trained(digits) -> keras.Model:
    """A small classifier with a residual, batch normalization and poolings."""
    images, labels = digits
    keras.utils.set_random_seed(3)
    x = inputs = keras.Input((8, 8, 1))
    x = layers.ReLU()(layers.BatchNormalization()(layers.Conv2D(8, 3, padding="same", use_bias=False)(x)))
    x = layers.Add()([x, layers.DepthwiseConv2D(3, padding="same")(x)])
    x = layers.Conv2D(16, 3, strides=2, padding="same", activation="relu")(x)
    x = layers.Flatten()(layers.AveragePooling2D(2)(x))
    model = keras.Model(inputs, layers.Dense(10, activation="softmax")(x), name="small")
    model.compile(keras.optimizers.Adam(5e-3), "sparse_categorical_crossentropy")
    model.fit(images[:1200], labels[:1200], epochs=5, batch_size=64, verbose=0)
    return model


def calibration(digits):
    return {"images": digits[0][:CALIBRATION]}


@pytest.fixture(scope="module")
def tuned(trained, digits):
    """scheme → the model after three epochs; each is trained once."""
    return functools.cache(functools.partial(tune, trained, digits))


def tune(trained, digits, name: str) -> qat.QuantizedModel:
    images, labels = digits
    scheme, bits = FEW.get(name, (name, {}))
    data = {"x": images[:1200], "y": labels[:1200], "calibration": calibration(digits)}
    return qat.tune(trained, scheme, **data, epochs=3, rate=5e-3, seed=4, **bits)


def held_out(digits, graph) -> dict[str, np.ndarray]:
    return {graph.inputs[0]: digits[0][1200:, np.newaxis]}


def accuracy(graph, digits) -> float:
    (output,) = graph.outputs
    found = real_outputs(graph, held_out(digits, graph))[output]
    return float(np.mean(found.reshape(len(found), -1).argmax(1) == digits[1][1200:]))


#: Schemes of few levels, with their bits.
FEW = {"lsq of 2 bits": ("lsq", {"weight_bits": 2}), "ternary": ("ternary", {}), "xnor": ("xnor", {})}


@pytest.mark.parametrize("scheme", ["int8", "abs-max", "lsq", "lsq4", *FEW])
def test_the_forward_pass_is_the_integers_of_the_firmware(tuned, digits, scheme):
    """The criterion allows a step of difference in one of a thousand; found is none but for float32's own rounding."""
    model = tuned(scheme)
    graph = qat.integer_graph(model)
    data = held_out(digits, graph)
    (output,) = graph.outputs
    found = trace(graph, as_integers(graph, data))[output].reshape(-1, 10).astype(int)
    forward = graph.tensors[output].quant.quantize(model.predict(digits[0][1200:], verbose=0), DType.INT8).astype(int)
    assert np.mean(np.abs(found - forward) <= 1) >= 0.999
    assert np.mean(found == forward) >= 0.99
    np.testing.assert_array_equal(found.argmax(1), forward.argmax(1))
    if not any(find_op(node.op).own for node in graph.nodes):
        assert_reference_agrees(graph, {name: x[:8] for name, x in data.items()})


# ternary weights, adaptively rounded, lose a point only: their start is kept
@pytest.mark.parametrize("name", ["lsq of 2 bits", "xnor"])
def test_training_wins_back_what_few_bits_lose(trained, tuned, digits, name):
    scheme, bits = FEW[name]
    plain = api.prepare_float(qat.prepare(trained, scheme, calibration=calibration(digits)).graph)
    data = {plain.inputs[0]: digits[0][:CALIBRATION, np.newaxis]}
    untrained = quantize(plain, data, recipes.choose_recipe(scheme, None, **bits))
    assert accuracy(qat.integer_graph(tuned(name)), digits) > accuracy(untrained, digits) + 0.02


def test_equal_seeds_give_equal_files(trained, tuned, digits, tmp_path):
    for name, model in (("a", tuned("lsq")), ("b", tune(trained, digits, "lsq"))):
        qat.save(model, tmp_path / f"{name}.tflite")
    assert (tmp_path / "a.tflite").read_bytes() == (tmp_path / "b.tflite").read_bytes()


@pytest.mark.parametrize("scheme", ["int8", *FEW])
def test_a_saved_model_builds_with_its_trained_integers(tuned, digits, scheme, tmp_path):
    model = tuned(scheme)
    qat.save(model, tmp_path / "trained.tflite")
    from_file = api.build(tmp_path / "trained.tflite", "mps2-an386", out=tmp_path / "file", compile=False)
    from_graph = api.build(qat.integer_graph(model), "mps2-an386", out=tmp_path / "graph", compile=False)
    x = digits[0][1200:1232]
    for a, b in zip(from_file.simulate([x]).values(), from_graph.simulate([x]).values(), strict=True):
        np.testing.assert_array_equal(a, b)
    assert [call.op for call in from_file.program.calls] == [call.op for call in from_graph.program.calls]
    name = from_file.program.inputs[0]
    saved = importers.load(tmp_path / "trained.tflite").tensors[name].quant
    assert from_file.program.tensors[name].quant.per_tensor == saved.per_tensor


def gradient(function, x):
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = tf.reduce_sum(function(x))
    return tape.gradient(y, x).numpy()


def test_gradients_pass_where_nothing_saturates():
    x = tf.constant([-3.0, -1.26, 0.1, 0.74, 3.0])
    np.testing.assert_array_equal(fq.fake_quant(x, 0.5, 1.0, -4, 4), [-2.5, -1.5, 0.0, 0.5, 1.5])
    assert gradient(lambda x: fq.fake_quant(x, 0.5, 1.0, -4, 4), x).tolist() == [0, 1, 1, 1, 0]


def test_the_step_learns_by_the_papers_gradient():
    """∂/∂s = −x/s + round(x/s) inside, −Q_N or Q_P outside, times 1/sqrt(N·Q_P)."""
    x = np.array([-9.0, -0.8, -0.2, 0.3, 1.1, 9.0], np.float32)
    step, low, high = 0.5, -2, 1
    v = x / step
    expected = np.where(v <= low, low, np.where(v >= high, high, np.round(v) - v)).sum() / np.sqrt(x.size * high)
    found = gradient(lambda s: fq.learned_step_quant(x, s, 0, low, high, x.size), tf.constant(step))
    assert found == pytest.approx(expected, rel=1e-5)
    inside = gradient(lambda x: fq.learned_step_quant(x, step, 0, low, high, 6), tf.constant(x))
    assert inside.tolist() == [0, 1, 1, 1, 0, 0]


def test_the_first_steps_are_the_papers(trained, digits):
    """2⟨|v|⟩ / sqrt(Q_P), of a channel's weights and of the first activations; ends of 8 bits."""
    bits = {"weight_bits": 3, "activation_bits": 2}
    model = qat.prepare(trained, "lsq", calibration=calibration(digits), first_steps="paper", **bits)
    scales = model.weight_scales()
    weights = [(scales[name], model.graph.tensors[name].data) for name in scales]
    assert len(weights) == 4
    for found, data in weights[1:-1]:
        axis = 3 if data.shape[0] == 1 else 0
        mean = np.abs(data).mean(axis=tuple(a for a in range(4) if a != axis))
        np.testing.assert_allclose(found, 2 * mean / np.sqrt(3), rtol=1e-5)
    for found, data in (weights[0], weights[-1]):
        np.testing.assert_allclose(found, 2 * np.abs(data).reshape(len(data), -1).mean(1) / np.sqrt(127), rtol=1e-5)
    first = next(node for node in model.graph.nodes if node.op == "CONV_2D")
    images = {model.graph.inputs[0]: digits[0][:CALIBRATION, np.newaxis]}
    values = evaluate(model.graph, images)[first.outputs[0]]
    low, high = model.trained_ranges()[first.outputs[0]]
    # unsigned, as behind a ReLU: 0 to 3
    assert low == 0 and high / 3 == pytest.approx(2 * np.abs(values).mean() / np.sqrt(3), rel=1e-3)


def test_plain_gradient_descent_moves_a_step_by_the_papers_gradient():
    """What is trained is a factor of the first step; the step itself moves by the learning rate times its gradient."""
    x, first, factor = tf.constant([[-0.8, -0.2, 0.3, 1.1]]), 0.05, tf.Variable(1.5)
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(fq.learned_step_quant(x, fq.multiple(factor, first), 0, -4, 3, 4))
    keras.optimizers.SGD(0.01).apply_gradients([(tape.gradient(loss, factor), factor)])
    by_step = gradient(lambda s: fq.learned_step_quant(x, s, 0, -4, 3, 4), tf.constant(1.5 * first))
    assert float(factor) * first == pytest.approx(1.5 * first - 0.01 * by_step, rel=1e-4)


def test_scales_are_those_of_post_training_quantization():
    rng = np.random.default_rng(0)
    for low, high in np.sort(rng.normal(size=(50, 2)).astype(np.float32), axis=1):
        for role in (INT8.activation, find_scheme("abs-max").activation):
            expected = affine_params(float(low), float(high), role).per_tensor
            scale, zero = fq.affine(tf.constant(low), tf.constant(high), role.low, role.high, symmetric=role.symmetric)
            assert (float(scale), float(zero)) == pytest.approx(expected, rel=1e-6)


def test_what_cannot_be_trained_through_is_listed(digits):
    x = inputs = keras.Input((8, 8, 1))
    x = layers.UpSampling2D(2, name="twice")(x)
    model = keras.Model(inputs, x, name="other")
    with pytest.raises(ModelError, match=r"RESIZE_NEAREST_NEIGHBOR \(twice\)"):
        qat.prepare(model, calibration=calibration(digits))


def test_refusals(trained, digits, tmp_path):
    with pytest.raises(QuantizationError, match="was not prepared"):
        qat.integer_graph(trained)
    with pytest.raises(EdgeqError, match="int9"):
        qat.prepare(trained, "int9", calibration=calibration(digits))
    for scheme in ("q4_0", "affine-weights"):
        with pytest.raises(QuantizationError, match=f"zero points or blocks, as {scheme} has them"):
            qat.prepare(trained, scheme, calibration=calibration(digits))
    with pytest.raises(QuantizationError, match="first steps 'guess'"):
        qat.prepare(trained, "lsq", calibration=calibration(digits), first_steps="guess")
    model = qat.prepare(trained, calibration=calibration(digits))
    with pytest.raises(ProjectError, match="cannot write"):
        qat.save(model, Path(tmp_path) / "none" / "x.tflite")
    model.weights[0].assign(model.weights[0] * np.nan)
    with pytest.raises(QuantizationError, match="NaN"):
        qat.integer_graph(model)
