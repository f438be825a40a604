"""Every scheme, on one network: what it promises, and that TFLite computes the same integers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from edgeq.ops import find_op
from edgeq.quant.evaluate import run
from edgeq.quant.quantize import quantize
from edgeq.quant.recipes import Recipe
from edgeq.quant.schemes import INT8, SCHEMES, find_scheme

from .integers import assert_reference_agrees, assert_summed_in_blocks, real_outputs, sqnr
from .nets import data_for, mixed_net

CALIBRATED = [name for name, scheme in SCHEMES.items() if scheme.calibrated]


@pytest.mark.parametrize("name", CALIBRATED)
def test_a_scheme_gives_a_network_that_tflite_computes_alike(name):
    """Or, where TFLite has no such weights, one whose layers are the sums that they are said to be."""
    graph = mixed_net()
    data = data_for(graph)
    integer = quantize(graph, data, find_scheme(name))
    found, exact = real_outputs(integer, data), run(graph, data)
    assert sqnr(exact["probabilities"], found["probabilities"]) > 15
    # what TFLite has no operators for is held against it where the operators are tested
    if not any(find_op(node.op).own for node in integer.nodes):
        agrees = assert_reference_agrees if SCHEMES[name].weight.is_plain else assert_summed_in_blocks
        agrees(integer, {name: array[:6] for name, array in data.items()})


@pytest.mark.parametrize("name", SCHEMES)
def test_a_schemes_sentence_is_one(name):
    summary = SCHEMES[name].summary
    assert summary.endswith(".") and "\n" not in summary and 20 < len(summary) < 160


@pytest.mark.parametrize("name", SCHEMES)
def test_equal_inputs_give_equal_integers(name):
    first, second = (quantize(mixed_net(), data_for(mixed_net()), find_scheme(name)) for _ in range(2))
    assert first.nodes == second.nodes and first.tensors.keys() == second.tensors.keys()
    for key, tensor in first.tensors.items():
        assert tensor.quant == second.tensors[key].quant
        np.testing.assert_array_equal(tensor.data, second.tensors[key].data)


def test_abs_max_is_symmetric_and_scales_by_the_largest_magnitude():
    graph = mixed_net()
    data = data_for(graph)
    integer = quantize(graph, data, find_scheme("abs-max"))
    largest = float(np.abs(data["in0"]).max())
    assert integer.tensors["in0"].quant.per_tensor == (float(np.float32(largest / 127)), 0)
    for node in integer.nodes:
        if node.op == "SOFTMAX":  # fixed by TFLite
            continue
        assert all(t.quant.per_tensor[1] == 0 for t in integer.results(node))
        if node.op != "RESHAPE":
            source = graph.tensors[node.inputs[1]].data
            weights = integer.tensors[node.inputs[1]]
            assert weights.quant.per_tensor[0] == float(np.float32(np.abs(source).max() / 127))
            assert np.abs(weights.data).max() == 127


def test_a_new_scheme_of_known_arithmetic_is_one_entry():
    """What adding to the table in schemes.py takes: int8 with clipped weights and percentile ranges."""
    entry = replace(
        INT8,
        name="clipped",
        activation=replace(INT8.activation, algorithm="percentile:99.9"),
        weight=replace(INT8.weight, algorithm="mse"),
    )
    graph = mixed_net()
    data = data_for(graph)
    integer = quantize(graph, data, entry)
    assert_reference_agrees(integer, {name: array[:6] for name, array in data.items()})
    assert integer.metadata["scheme"] == "clipped"


def test_equalizing_channels_helps_four_bits():
    """The entry int8x4-equalized, all that it took: cross-layer equalization before adaptive rounding."""
    gains = []
    for seed in range(4):
        graph = mixed_net(seed)
        data = data_for(graph)
        exact = run(graph, data)["probabilities"]
        plain, equalized = (
            sqnr(exact, real_outputs(quantize(graph, data, find_scheme(name)), data)["probabilities"])
            for name in ("int8x4-adaptive", "int8x4-equalized")
        )
        gains.append(equalized - plain)
    assert min(gains) > 0 and np.mean(gains) > 0.3, gains


def test_each_layer_can_have_its_own_granularity():
    graph = mixed_net()
    data = data_for(graph)
    coarse = replace(INT8, weight=find_scheme("per-tensor").weight)
    recipe = Recipe.of(INT8, {"conv|dense": coarse})
    integer = quantize(graph, data, recipe)
    scales = {n.loc: integer.tensors[n.inputs[1]].quant.scale.size for n in integer.nodes if len(n.inputs) == 3}
    assert scales == {"conv": 1, "depthwise": 8, "pointwise": 6, "dense": 1, "logits": 4}
    assert_reference_agrees(integer, {name: array[:6] for name, array in data.items()})


def test_each_layer_can_have_its_own_observer():
    graph = mixed_net()
    data = data_for(graph)
    recipe = Recipe.of(INT8, {"conv": find_scheme("mse")})
    plain, other = quantize(graph, data, INT8), quantize(graph, data, recipe)
    differing = {n for n, t in plain.tensors.items() if not t.is_constant and t.quant != other.tensors[n].quant}
    assert differing == {"conv"}
