"""The scheme xnor: layers that see one of two values, and where they do."""

from __future__ import annotations

import numpy as np
import pytest

from edgeq.fixedpoint import Dialect
from edgeq.ir import DType, Graph
from edgeq.ops import find_op
from edgeq.ops.binary_inputs import TwoLevels
from edgeq.ops.spatial import Padding
from edgeq.passes import prepare_float
from edgeq.quant.binary_inputs import choose_levels
from edgeq.quant.quantize import quantize
from edgeq.quant.schemes import find_scheme

from ..ops.cases import cases_of
from ..passes.net import Net
from .nets import data_for, mixed_net


def error(levels: TwoLevels, x: np.ndarray) -> float:
    return float(np.square(levels.nearest(x) - x).sum())


@pytest.mark.parametrize("spread", ["normal", "outliers", "narrow"])
@pytest.mark.parametrize("never_negative", [False, True])
def test_no_other_two_values_err_less(spread, never_negative):
    rng = np.random.default_rng(4)
    x = {"normal": rng.normal(size=400), "outliers": rng.standard_t(2, 400), "narrow": rng.normal(2, 0.1, 400)}[spread]
    x = (np.maximum(x, 0) if never_negative else x - x.mean()).astype(np.float32)
    found = choose_levels(x)
    assert found.zero == (-1 if never_negative else 0)
    others = [TwoLevels(float(step), found.zero) for step in np.linspace(0.01, 1.2, 300) * np.abs(x).max()]
    assert error(found, x) <= 1.0001 * min(error(each, x) for each in others)


def test_inputs_of_zeros_have_a_step():
    assert choose_levels(np.zeros(3, np.float32)) == TwoLevels(1.0, -1)


def test_values_at_the_threshold_are_the_upper_one():
    np.testing.assert_array_equal(TwoLevels(0.5, 0).nearest(np.float32([-0.1, 0.0, 9.0])), [-0.5, 0.5, 0.5])
    np.testing.assert_array_equal(TwoLevels(0.5, -1).nearest(np.float32([0.4, 0.5, 9.0])), [0.0, 1.0, 1.0])


def test_inner_layers_get_binary_inputs_and_a_note_says_what_trains_them():
    integer = quantize(mixed_net(), data_for(mixed_net()), find_scheme("xnor"))
    kinds = {node.loc: node.op for node in integer.nodes if len(node.inputs) == 3}
    assert kinds == {
        "conv": "CONV_2D",
        "depthwise": "DEPTHWISE_CONV_2D",
        "pointwise": "BINARY_CONV_2D",
        "dense": "BINARY_FULLY_CONNECTED",
        "logits": "FULLY_CONNECTED",
    }
    assert "binary weights without training" in integer.metadata["notes"]
    # behind a ReLU nothing is negative
    assert {node.attrs.levels.zero for node in integer.nodes if "BINARY" in node.op} == {-1}


def grouped_net() -> Graph:
    net = Net(0)
    x = net.node("CONV_2D", net.input(5, 5, 4), net.random(4, 3, 3, 4), net.random(4), name="first")
    x = net.node("CONV_2D", x, net.random(6, 1, 1, 2), net.random(6), name="groups", padding=Padding.SAME)
    x = net.node("CONV_2D", x, net.random(5, 1, 1, 6), net.random(5), name="inner", padding=Padding.SAME)
    return prepare_float(net.graph(net.node("CONV_2D", x, net.random(2, 3, 3, 5), net.random(2), name="last")))


def test_a_grouped_convolution_keeps_its_input_and_says_so():
    integer = quantize(grouped_net(), data_for(grouped_net()), find_scheme("xnor"))
    kinds = {node.loc: (node.op, integer.tensors[node.inputs[1]].dtype) for node in integer.nodes}
    assert kinds["groups"] == ("CONV_2D", DType.BINARY)
    assert kinds["inner"] == ("BINARY_CONV_2D", DType.BINARY)
    assert "groups: the input of this CONV_2D stays int8" in integer.metadata["notes"]
    # the layer before has no ReLU: both signs
    assert {node.attrs.levels.zero for node in integer.nodes if "BINARY" in node.op} == {0}


def test_the_sum_of_signs_is_bounded_by_their_number():
    (case,) = cases_of("BINARY_FULLY_CONNECTED", 5, 1)
    (node,) = case.graph.nodes
    lowered = find_op(node.op).lower(node, case.graph, Dialect.DOUBLE)
    depth, bias = lowered.params.depth, int(np.abs(lowered.params.bias).max())
    assert lowered.accumulator_bound == depth * (1 - node.attrs.levels.zero) + bias
