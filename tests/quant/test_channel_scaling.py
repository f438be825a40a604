"""Channels scaled before rounding: the float network stays, its integers come closer to it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from edgeq.errors import QuantizationError
from edgeq.ir import Graph
from edgeq.ops.base import Activation
from edgeq.passes.seams import find_seams, input_magnitudes, output_magnitudes
from edgeq.quant.channel_scaling import LARGEST_FACTOR, bounded, find_scaler, scale_channels
from edgeq.quant.evaluate import run
from edgeq.quant.quantize import quantize
from edgeq.quant.recipes import Recipe, parse_recipe
from edgeq.quant.schemes import INT8, QuantScheme, find_scheme
from tests.passes.net import Net, assert_preserved

from .integers import assert_reference_agrees, real_outputs, sqnr
from .nets import data_for, mixed_net

FOUR_BITS = replace(INT8, weight=replace(INT8.weight, low=-7, high=7))


def with_outliers(seed: int = 0) -> Graph:
    """Three dense layers; a few channels of the hidden activations are a hundred times as large as the others, and the
    weights that read them as much smaller: what training leaves in transformers."""
    net = Net(seed)
    x = net.input(16)
    for index, units in enumerate((32, 32, 8)):
        depth = net.tensors[x].shape[-1]
        w, b = net.rng.normal(size=(units, depth)) / depth**0.5, net.rng.normal(size=units) / 4
        if index:
            w[:, ::11] /= 100
        if index < 2:
            w[::11] *= 100
        activation = Activation.RELU if index < 2 else Activation.NONE
        x = net.node("FULLY_CONNECTED", x, net.constant(w), net.constant(b), name=f"d{index}", activation=activation)
    return net.graph(x)


def noise(graph: Graph, scheme: QuantScheme) -> float:
    """SQNR in dB on data that calibration has not seen."""
    integer = quantize(graph, data_for(graph), scheme)
    data = data_for(graph, 200, seed=8)
    (name,) = graph.outputs
    return sqnr(run(graph, data)[name], real_outputs(integer, data)[name])


@pytest.mark.parametrize("name", ["cross-layer", "smooth", "activation-aware"])
@pytest.mark.parametrize("graph", [mixed_net(), with_outliers()], ids=["mixed", "outliers"])
def test_the_float_network_stays_the_same(graph, name):
    scaled = scale_channels(graph, data_for(graph), lambda layer: replace(INT8, scaling=name))
    assert any("/scaled" in name for name in scaled.tensors)
    assert_preserved(graph, scaled)


def test_equalization_makes_both_sides_of_a_seam_alike():
    graph = with_outliers()
    before, after = (
        [np.log2(output_magnitudes(g, s) / input_magnitudes(g, s)) for s in find_seams(g)]
        for g in (graph, scale_channels(graph, data_for(graph), Recipe(find_scheme("equalized")).layer))
    )
    assert min(ratio.std() for ratio in before) > 2
    assert max(ratio.std() for ratio in after) < 0.01


def test_smoothing_takes_outliers_out_of_activations():
    graph = with_outliers()
    plain, smooth = noise(graph, INT8), noise(graph, find_scheme("smooth"))
    assert smooth > plain + 6


def test_scaling_by_activations_saves_weights_that_matter():
    graph = with_outliers()
    plain, aware = noise(graph, FOUR_BITS), noise(graph, replace(FOUR_BITS, scaling="activation-aware"))
    assert aware > plain + 3


def test_a_search_never_leaves_a_seam_worse_off():
    """Where nothing helps, the factors stay 1 and the graph the same object's worth of constants."""
    net = Net()
    x = net.node("FULLY_CONNECTED", net.input(4), net.constant(np.eye(4) * 127), name="a", activation=Activation.RELU)
    graph = net.graph(net.node("FULLY_CONNECTED", x, net.constant(np.eye(4) * 127), name="b"))
    data = {"in0": np.random.default_rng(0).integers(0, 100, (32, 1, 4)).astype(np.float32)}
    scaled = scale_channels(graph, data, lambda layer: replace(INT8, scaling="activation-aware"))
    for before, after in zip(graph.nodes, scaled.nodes, strict=True):
        np.testing.assert_array_equal(graph.tensors[before.inputs[1]].data, scaled.tensors[after.inputs[1]].data)


def test_a_recipe_scales_single_layers_only():
    graph = mixed_net()
    recipe = parse_recipe({"layer": [{"match": "pointwise", "scaling": "cross-layer"}]})
    scaled = scale_channels(graph, data_for(graph), recipe.layer)
    changed = {node.loc for node in scaled.nodes if any("/scaled" in name for name in node.inputs)}
    assert changed == {"depthwise", "pointwise"}
    assert_reference_agrees(quantize(graph, data_for(graph), recipe), data_for(graph, 4))


def test_factors_are_bounded():
    factors = bounded(np.array([1e-9, 1.0, 1e9]))
    assert factors.tolist() == [1 / LARGEST_FACTOR, 1.0, LARGEST_FACTOR]


def test_unknown_scalings_are_refused():
    with pytest.raises(QuantizationError, match="unknown channel scaling"):
        find_scaler("sideways")
    with pytest.raises(QuantizationError, match="layer 1"):
        parse_recipe({"layer": [{"match": ".*", "scaling": "sideways"}]})
    assert parse_recipe({"scheme": "smooth", "scaling": "none"}).default.scaling == ""
