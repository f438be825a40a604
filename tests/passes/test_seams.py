"""Factors that move from the readers of a tensor into its producer change no output."""

from __future__ import annotations

import numpy as np
import pytest

from edgeq.ops.base import Activation
from edgeq.ops.spatial import Padding
from edgeq.passes.seams import divide, find_seams, input_magnitudes, output_magnitudes

from .net import Net, assert_preserved


def between_convolutions(*operators, activation=Activation.RELU) -> Net:
    """conv (8 channels) → the operators → conv; each is (op, operands, attrs)."""
    net = Net()
    x = net.node("CONV_2D", net.input(8, 8, 3), net.random(8, 3, 3, 3), net.random(8), name="first",
                 padding=Padding.SAME, activation=activation)  # fmt: skip
    for op, operands, attrs in operators:
        x = net.node(op, x, *(net.constant(values, dtype) for values, dtype in operands), **attrs)
    if len(net.tensors[x].shape) == 2:
        net.last = net.node("FULLY_CONNECTED", x, net.random(5, net.tensors[x].shape[1]), net.random(5), name="second")
    else:
        net.last = net.node("CONV_2D", x, net.random(4, 1, 1, 8), net.random(4), name="second")
    return net


POOL = {"filter": (2, 2), "stride": (2, 2)}
LETS_PASS = {
    "nothing": [],
    "rectifier": [("RELU", [], {})],
    "leaky rectifier": [("LEAKY_RELU", [], {"alpha": 0.1})],
    "slopes": [("PRELU", [(np.linspace(0, 1, 8), np.float32)], {})],
    "pooling": [("MAX_POOL_2D", [], POOL), ("AVERAGE_POOL_2D", [], POOL)],
    "padding": [("PAD", [([[0, 0], [1, 1], [0, 2], [0, 0]], np.int32)], {})],
    "flattening": [("RESHAPE", [([1, 512], np.int32)], {})],
    "means of channels": [("MEAN", [([1, 2], np.int32)], {})],
}
STOPS = {
    "padded channels": [("PAD", [([[0, 0], [0, 0], [0, 0], [4, 4]], np.int32)], {}),
                        ("MEAN", [([1, 2], np.int32)], {})],
    "sigmoid": [("LOGISTIC", [], {})],
    "clipped pooling": [("AVERAGE_POOL_2D", [], {**POOL, "activation": Activation.RELU6})],
    "mean over channels": [("MEAN", [([3], np.int32)], {"keep_dims": True}), ("RESHAPE", [([1, 64], np.int32)], {})],
    "torn channels": [("RESHAPE", [([1, 128, 4], np.int32)], {}), ("RESHAPE", [([1, 512], np.int32)], {})],
}  # fmt: skip


@pytest.mark.parametrize("activation", [Activation.NONE, Activation.RELU])
@pytest.mark.parametrize("operators", LETS_PASS.values(), ids=LETS_PASS)
def test_dividing_a_seam_keeps_the_outputs(operators, activation):
    net = between_convolutions(*operators, activation=activation)
    graph = net.graph(net.last)
    (seam,) = find_seams(graph)
    assert (seam.tensor, [r.loc for r in seam.readers], seam.channels) == ("first", ["second"], 8)
    factors = np.exp2(np.random.default_rng(1).uniform(-3, 3, 8))
    divided = divide(graph, seam, factors)
    assert_preserved(graph, divided)
    (after,) = find_seams(divided)
    np.testing.assert_allclose(output_magnitudes(divided, after), output_magnitudes(graph, seam) / factors, rtol=1e-6)
    np.testing.assert_allclose(input_magnitudes(divided, after), input_magnitudes(graph, seam) * factors, rtol=1e-6)


@pytest.mark.parametrize("operators", STOPS.values(), ids=STOPS)
def test_what_lets_no_factor_pass(operators):
    net = between_convolutions(*operators)
    assert find_seams(net.graph(net.last)) == ()


@pytest.mark.parametrize("activation", [Activation.RELU6, Activation.RELU_N1_TO_1])
def test_an_activation_that_clips_is_no_seam(activation):
    net = between_convolutions(activation=activation)
    assert find_seams(net.graph(net.last)) == ()


def test_a_tensor_that_is_an_output_or_read_by_others_is_no_seam():
    net = between_convolutions()
    assert find_seams(net.graph("first", net.last)) == ()
    other = net.node("LOGISTIC", "first")
    assert find_seams(net.graph(net.last, other)) == ()


def test_a_residual_is_no_seam():
    net = between_convolutions()
    total = net.node("ADD", "first", net.node("CONV_2D", "first", net.random(8, 1, 1, 8), net.random(8)))
    assert find_seams(net.graph(total)) == ()


def test_several_readers_grouped_and_depthwise():
    net = Net()
    x = net.node("CONV_2D", net.input(6, 6, 2), net.random(4, 1, 1, 2), net.random(4), name="first")
    outputs = [
        net.node("CONV_2D", x, net.random(6, 3, 3, 2), net.random(6), name="grouped"),
        net.node("DEPTHWISE_CONV_2D", x, net.random(1, 3, 3, 8), net.random(8), name="depthwise", depth_multiplier=2),
    ]
    graph = net.graph(*outputs)
    (seam,) = find_seams(graph)
    assert [r.loc for r in seam.readers] == ["grouped", "depthwise"]
    assert_preserved(graph, divide(graph, seam, np.array([0.25, 3.0, 1.0, 8.0])))


def test_a_normalization_hands_its_factors_to_three_dense_layers():
    net = Net()
    gamma, beta = net.random(8), net.random(8)
    x = net.node("LAYER_NORMALIZATION", net.input(5, 8), gamma, beta, name="norm")
    outputs = [
        net.node("FULLY_CONNECTED", x, net.random(8, 8), net.random(8), name=n, keep_num_dims=True) for n in "qkv"
    ]
    graph = net.graph(*outputs)
    (seam,) = find_seams(graph)
    assert [r.loc for r in seam.readers] == ["q", "k", "v"]
    assert_preserved(graph, divide(graph, seam, np.exp2(np.linspace(-3, 3, 8))))
