"""Weights rounded for the results of their layer."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest

from edgeq.errors import QuantizationError
from edgeq.ir import Graph
from edgeq.quant.adaptive_rounding import rounded
from edgeq.quant.evaluate import run
from edgeq.quant.quantize import quantize
from edgeq.quant.recipes import parse_recipe
from edgeq.quant.schemes import INT8, QuantScheme, Rounding, find_scheme

from .integers import real_outputs, sqnr
from .nets import data_for, mixed_net


def problem(seed: int, rows: int, taps: int) -> tuple[np.ndarray, np.ndarray]:
    """Weights in steps, and the mean product of inputs that depend on each other, as neighbouring pixels do."""
    rng = np.random.default_rng(seed)
    inputs = rng.normal(size=(200, 3)) @ rng.normal(size=(3, taps)) + 0.3 * rng.normal(size=(200, taps))
    return rng.uniform(-6, 6, (rows, taps)), inputs.T @ inputs / 200


def error(q: np.ndarray, exact: np.ndarray, gram: np.ndarray) -> np.ndarray:
    return np.array([d @ gram @ d for d in q - exact])


@pytest.mark.parametrize("seed", range(5))
def test_close_to_the_best_of_all_roundings(seed):
    """Against all 2^9 ways to round up or down."""
    exact, gram = problem(seed, rows=6, taps=9)
    found = error(rounded(exact, np.round(exact), gram, -7, 7), exact, gram)
    nearest = error(np.round(exact), exact, gram)
    ways = np.array(list(itertools.product((0, 1), repeat=9)))
    best = np.array([error(np.floor(row) + ways, row, gram).min() for row in exact])
    assert (found <= nearest + 1e-12).all()
    assert found.sum() < best.sum() + 0.1 * (nearest.sum() - best.sum())


def test_stays_near_the_weights_and_within_their_range():
    exact, gram = problem(7, rows=8, taps=40)
    q = rounded(exact, np.clip(np.round(exact), -4, 4), gram, -4, 4)
    assert np.array_equal(q, np.round(q)) and np.abs(q).max() <= 4
    inside = np.abs(exact) < 4
    assert np.abs(q - exact)[inside].max() <= 1.5
    assert (q != np.clip(np.round(exact), -4, 4)).mean() > 0.05


def test_inputs_that_are_always_zero_leave_their_weights_alone():
    exact, gram = problem(3, rows=4, taps=10)
    gram[4:] = gram[:, 4:] = 0
    q = rounded(exact, np.round(exact), gram, -7, 7)
    np.testing.assert_array_equal(q[:, 4:], np.round(exact)[:, 4:])


def smooth_images(vectors: int, seed: int) -> dict[str, np.ndarray]:
    """Inputs of `mixed_net` whose neighbouring pixels are alike, as in pictures."""
    coarse = np.random.default_rng(seed).normal(size=(vectors, 1, 3, 3, 3))
    fine = np.repeat(np.repeat(coarse, 2, axis=2), 2, axis=3)
    return {"in0": ((fine + np.roll(fine, 1, axis=2) + np.roll(fine, 1, axis=3)) / 3).astype(np.float32)}


def noise(graph: Graph, scheme: QuantScheme) -> float:
    integer, data = quantize(graph, smooth_images(256, seed=3), scheme), smooth_images(256, seed=8)
    return sqnr(run(graph, data)["probabilities"], real_outputs(integer, data)["probabilities"])


def test_few_bits_gain_most():
    graph = mixed_net()
    few = replace(INT8, weight=replace(INT8.weight, low=-3, high=3))
    assert noise(graph, replace(few, rounding=Rounding.ADAPTIVE)) > noise(graph, few) + 3


def test_every_layer_is_rounded_once_and_only_where_asked():
    graph, data = mixed_net(), data_for(mixed_net())
    plain = quantize(graph, data, replace(INT8, bias_correction=False))
    recipe = parse_recipe({"layer": [{"match": "conv|dense", "rounding": "adaptive"}]})
    some = quantize(graph, data, recipe)
    adaptive = quantize(graph, data, find_scheme("adaptive-rounding"))

    def weights(integer: Graph) -> dict[str, np.ndarray]:
        return {n.loc: integer.tensors[n.inputs[1]].data for n in integer.nodes if len(n.inputs) == 3}

    def changed(integer: Graph) -> set[str]:
        return {loc for loc, data in weights(integer).items() if not np.array_equal(data, weights(plain)[loc])}

    assert changed(some) == {"conv", "dense"}
    assert changed(adaptive) == {"conv", "depthwise", "pointwise", "dense", "logits"}
    for loc, data in weights(adaptive).items():
        assert np.abs(data.astype(int) - weights(plain)[loc]).max() <= 2, loc


def test_unknown_roundings_are_refused():
    with pytest.raises(QuantizationError, match="unknown rounding 'up'"):
        parse_recipe({"rounding": "up"})
