"""Four bits per weight in a network trained with outlier channels: what scaling by activations and clipping win."""

from __future__ import annotations

from dataclasses import replace

import keras
import numpy as np
import pytest
from keras import layers
from sklearn.datasets import load_digits

from edgeq import api
from edgeq.ir import QuantParams
from edgeq.passes import prepare_float
from edgeq.quant.blocks import FRACTIONS, Blocked, best_blocks, block_params
from edgeq.quant.clipping import _cost, _forms
from edgeq.quant.evaluate import run
from edgeq.quant.quantize import quantize
from edgeq.quant.schemes import find_scheme

from .integers import assert_summed_in_blocks, real_outputs, sqnr

TRAINING = 1347


def outliers(shape, dtype=None) -> np.ndarray:
    """Every thirteenth channel starts fifty times as large, which batch normalization keeps up through training."""
    gamma = np.ones(shape, np.float32)
    gamma[::13] = 50.0
    return gamma


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """(float graph, calibration data, held-out data, their labels) of a small MLP on scikit-learn's digits."""
    keras.utils.set_random_seed(5)
    digits = load_digits()
    order = np.random.default_rng(0).permutation(len(digits.target))
    x, y = (digits.data[order] / 16).astype(np.float32), digits.target[order]
    model = keras.Sequential([keras.Input((64,))])
    for _ in range(2):
        model.add(layers.Dense(96, use_bias=False))
        model.add(layers.BatchNormalization(momentum=0.9, gamma_initializer=outliers))
        model.add(layers.ReLU())
    model.add(layers.Dense(10))
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    model.fit(x[:TRAINING], y[:TRAINING], epochs=10, batch_size=64, verbose=0)
    path = tmp_path_factory.mktemp("trained") / "outliers.keras"
    model.save(path)
    graph = prepare_float(api.load_model(path))
    (name,) = graph.inputs
    vectors = x.reshape(-1, *graph.tensors[name].shape)
    return graph, {name: vectors[:TRAINING:5]}, {name: vectors[TRAINING:]}, y[TRAINING:]


def test_awq_beats_plain_four_bits(trained):
    graph, calibration, held_out, labels = trained
    (output,) = graph.outputs
    exact = run(graph, held_out)[output].reshape(len(labels), 10)
    noise, accuracy = {}, {"float": float((exact.argmax(axis=1) == labels).mean())}
    for name in ("int8", "int8x4", "q4_0", "q4_1", "awq", "awq-adaptive"):
        found = real_outputs(quantize(graph, calibration, find_scheme(name)), held_out)[output].reshape(exact.shape)
        noise[name], accuracy[name] = sqnr(exact, found), float((found.argmax(axis=1) == labels).mean())
    print(f"SQNR dB {noise}, accuracy {accuracy}")
    assert accuracy["float"] > 0.85
    assert noise["awq"] > noise["int8x4"] + 4
    assert noise["awq-adaptive"] > noise["awq"] > max(noise["q4_0"], noise["q4_1"]) + 3
    assert accuracy["awq"] > accuracy["float"] - 0.02


def test_its_layers_are_sums_of_blocks(trained):
    graph, calibration, held_out, _ = trained
    integer = quantize(graph, calibration, find_scheme("awq-adaptive"))
    assert_summed_in_blocks(integer, {name: array[:20] for name, array in held_out.items()})


def test_both_halves_of_awq_help(trained):
    graph, calibration, held_out, _ = trained
    (output,) = graph.outputs
    exact = run(graph, held_out)[output]
    awq = find_scheme("awq")
    halves = replace(awq, scaling=""), replace(awq, clipping=False)
    scaled_only, clipped_only, both = (
        sqnr(exact, real_outputs(quantize(graph, calibration, scheme), held_out)[output])
        for scheme in (*reversed(halves), awq)
    )
    assert both > max(scaled_only, clipped_only)


def test_clipping_lowers_the_error_of_results():
    """Of a layer of one block alone, on the very inputs: no channel's error grows, and all together it falls."""
    rng = np.random.default_rng(0)
    role = find_scheme("q4_1").weight
    weights = rng.normal(size=(40, 32)).astype(np.float32)
    rows = rng.normal(size=(300, 32)) * np.exp2(rng.uniform(-3, 3, 32))
    blocked, unit = Blocked.of(weights), block_params(weights, role).scale
    errors = []
    for fractions in (FRACTIONS[:1], FRACTIONS):
        quant = QuantParams(unit, np.zeros(40), 0, best_blocks(blocked, unit, role, fractions, _cost(_forms(rows))))
        codes = np.clip(quant.quantize(weights, role.dtype), role.low, role.high)
        errors.append(np.square(rows @ (quant.dequantize(codes) - weights).T).sum(axis=0))
    assert np.all(errors[1] <= errors[0] * 1.0001)
    assert errors[1].sum() < 0.9 * errors[0].sum()
