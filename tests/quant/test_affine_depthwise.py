"""Depthwise convolutions with zero points in their weights."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from edgeq.ir import Graph
from edgeq.ops.base import Activation
from edgeq.ops.spatial import Padding
from edgeq.quant.affine_depthwise import as_grouped_convolutions
from edgeq.quant.quantize import quantize
from edgeq.quant.recipes import Recipe, as_recipe
from edgeq.quant.schemes import INT8, SCHEMES, find_scheme

from ..passes.net import Net, assert_preserved, ops
from .integers import as_integers, assert_summed_in_blocks
from .nets import data_for
from .test_blocks import noise

AFFINE = find_scheme("affine-weights")


def one_sided(multiplier: int = 1, **attrs) -> Graph:
    """A depthwise convolution whose weights are all positive."""
    net = Net(4)
    weights = net.constant(np.abs(net.rng.normal(size=(1, 3, 2, 5 * multiplier))) + 0.5)
    x = net.node("DEPTHWISE_CONV_2D", net.input(7, 6, 5), weights, net.random(5 * multiplier), name="depthwise",
                 depth_multiplier=multiplier, **attrs)  # fmt: skip
    return net.graph(x)


@pytest.mark.parametrize(
    ("multiplier", "attrs"),
    [
        (1, {"padding": Padding.SAME, "activation": Activation.RELU}),
        (3, {"stride": (2, 2), "padding": Padding.SAME}),
        (2, {"dilation": (2, 1)}),
    ],
)
def test_a_group_for_each_channel_computes_the_same(multiplier, attrs):
    graph = one_sided(multiplier, **attrs)
    grouped = as_grouped_convolutions(graph, as_recipe(AFFINE))
    assert ops(grouped) == ["CONV_2D"]
    assert_preserved(graph, grouped)
    integer = quantize(graph, data_for(graph), AFFINE)
    (node,) = integer.nodes
    zeros = integer.tensors[node.inputs[1]].quant.zero_point
    assert (node.op, zeros.size) == ("CONV_2D", 5 * multiplier) and np.all(zeros == -128)
    assert_summed_in_blocks(integer, as_integers(integer, data_for(graph, 8, seed=9)))


def test_zero_points_help_weights_on_one_side_of_0():
    """With four bits, so that weights matter beside activations."""
    affine, symmetric = (
        replace(INT8, weight=scheme.weight.of_bits(4, mirrored=scheme.weight.symmetric)) for scheme in (AFFINE, INT8)
    )
    assert noise(one_sided(), affine) > noise(one_sided(), symmetric) + 3


@pytest.mark.parametrize("name", [name for name in SCHEMES if name != "affine-weights"])
def test_other_schemes_leave_it_as_it_is(name):
    graph = one_sided()
    assert as_grouped_convolutions(graph, as_recipe(SCHEMES[name])) is graph


def test_a_rule_decides_by_layer():
    graph = one_sided()
    for rules, op in (({"depthwise": AFFINE}, "CONV_2D"), ({"other": AFFINE}, "DEPTHWISE_CONV_2D")):
        assert ops(as_grouped_convolutions(graph, Recipe.of(INT8, rules))) == [op]
