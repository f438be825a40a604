"""Quantized graphs follow TFLite's int8 specification and stay close to the float graph."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from edgeq.errors import CalibrationError, QuantizationError
from edgeq.ir import DType, QuantParams
from edgeq.ops.base import Activation
from edgeq.ops.spatial import Padding
from edgeq.passes import prepare_float
from edgeq.quant.bias_correction import correct_bias
from edgeq.quant.evaluate import run
from edgeq.quant.imitation import walk
from edgeq.quant.observers import observe
from edgeq.quant.params import affine_params
from edgeq.quant.quantize import quantize, quantize_graph
from edgeq.quant.recipes import Recipe
from edgeq.quant.schemes import INT8, Granularity, RoleScheme, find_scheme
from edgeq.quant.weights import bias_params, quantize_bias, quantize_weights, weight_params
from tests.passes.net import Net

from .integers import assert_reference_agrees, real_outputs, sqnr

ROLE, WEIGHT = INT8.activation, INT8.weight


def data_for(graph, vectors=32, seed=3):
    rng = np.random.default_rng(seed)
    return {name: rng.normal(size=(vectors,) + graph.tensors[name].shape).astype(np.float32) for name in graph.inputs}


def quantized(graph, scheme=INT8):
    data = data_for(graph)
    return quantize(graph, data, scheme), data


# --- parameters -----------------------------------------------------------------------------------------------------


def test_zero_is_exact_and_the_range_is_covered():
    rng = np.random.default_rng(0)
    for low, high in rng.normal(size=(200, 2)) * 10.0 ** rng.integers(-6, 6, (200, 1)):
        low, high = min(low, high), max(low, high)
        params = affine_params(low, high, ROLE)
        scale, zero = params.per_tensor
        assert -128 <= zero <= 127
        assert params.dequantize(np.int8([zero]))[0] == 0.0
        # half a step is lost to the rounding of the zero point
        assert params.quantize(np.float32([low, high]), DType.INT8).tolist() == pytest.approx(
            [max(-128, zero + low / scale), min(127, zero + high / scale)], abs=0.51
        )
        assert scale == pytest.approx((max(high, 0) - min(low, 0)) / 255, rel=1e-6)


@pytest.mark.parametrize(
    ("low", "high", "scale", "zero"),
    [
        (0, 255, 1, -128),
        (-255, 0, 1, 127),
        (-127.5, 127.5, 1, 0),
        (3, 6, 6 / 255, -128),
        (0, 0, 1, 0),
        (1e-40, 2e-40, 1, 0),
    ],
)
def test_ranges_by_hand(low, high, scale, zero):
    params = affine_params(low, high, ROLE)
    assert params.scale[0] == np.float32(scale) and params.zero_point[0] == zero


def test_weights_are_symmetric_per_channel_and_reach_127():
    weights = np.random.default_rng(1).normal(size=(5, 3, 3, 4)).astype(np.float32)
    params = weight_params(weights, 0, WEIGHT)
    integers = quantize_weights(weights, params, WEIGHT)
    assert params.axis == 0 and not params.zero_point.any()
    np.testing.assert_array_equal(np.abs(integers).reshape(5, -1).max(axis=1), 127)
    assert integers.min() >= -127
    assert np.abs(params.dequantize(integers) - weights).max() <= params.scale.max() / 2 * 1.0001


def test_a_channel_of_zeros_takes_the_largest_scale_of_the_others():
    params = weight_params(np.float32([[0, 0], [1.27, 0], [2.54, 0]]), 0, WEIGHT)
    np.testing.assert_allclose(params.scale, [0.02, 0.01, 0.02], rtol=1e-6)


def test_least_squares_clipping_never_rounds_worse_than_the_full_range():
    weights = np.random.default_rng(4).standard_t(3, size=(16, 200)).astype(np.float32)
    errors = []
    for algorithm in ("abs-max", "mse"):
        role = replace(WEIGHT, algorithm=algorithm)
        params = weight_params(weights, 0, role)
        errors.append(np.square(params.dequantize(quantize_weights(weights, params, role)) - weights).sum(axis=1))
    assert (errors[1] <= errors[0] * 1.0001).all() and errors[1].sum() < errors[0].sum()


def test_biases_are_rounded_in_double():
    params = bias_params(QuantParams(0.1, 3), QuantParams([0.1, 0.2], [0, 0], 0))
    np.testing.assert_allclose(params.scale, [0.01, 0.02], rtol=1e-6)
    wanted = np.float64([123_456_789, -987_654_321])
    integers = quantize_bias(wanted * params.scale.astype(np.float64), params, INT8.bias)
    np.testing.assert_array_equal(integers, wanted)


# --- graphs ---------------------------------------------------------------------------------------------------------


def convolutional(seed=0):
    net = Net(seed)
    x = net.node(
        "CONV_2D",
        net.input(8, 8, 3),
        net.random(6, 3, 3, 3),
        net.random(6),
        padding=Padding.SAME,
        activation=Activation.RELU,
    )
    y = net.node("DEPTHWISE_CONV_2D", x, net.random(1, 3, 3, 6), net.random(6), padding=Padding.SAME)
    z = net.node("ADD", x, y, activation=Activation.RELU6)
    z = net.node("AVERAGE_POOL_2D", z, filter=(2, 2), stride=(2, 2))
    z = net.node("RESHAPE", z, new_shape=(1, 96))
    z = net.node("FULLY_CONNECTED", z, net.constant(net.rng.normal(size=(4, 96)) / 8), net.random(4), name="logits")
    return net.graph(net.node("SOFTMAX", z, beta=1.0, name="probabilities"), "logits")


def test_the_specification_is_followed():
    graph, _ = quantized(convolutional())
    for node in graph.nodes:
        x, w, b = (*graph.operands(node), None, None)[:3]
        (y,) = graph.results(node)
        assert x.dtype is DType.INT8 and y.dtype is DType.INT8
        if node.op in ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED"):
            axis = 3 if node.op == "DEPTHWISE_CONV_2D" else 0
            assert w.quant.axis == axis and w.data.min() >= -127 and not w.quant.zero_point.any()
            assert b.dtype is DType.INT32 and b.quant.axis == 0
            np.testing.assert_array_equal(
                b.quant.scale, (x.quant.scale.astype(np.float64) * w.quant.scale.astype(np.float64)).astype(np.float32)
            )
        if node.op in ("AVERAGE_POOL_2D", "RESHAPE"):
            assert x.quant == y.quant
    assert graph.tensors["probabilities"].quant == QuantParams(1 / 256, -128)
    assert (graph.inputs, graph.outputs) == (("in0",), ("probabilities", "logits"))


def test_the_result_is_close_to_float_and_equal_to_the_reference_interpreter():
    for seed in range(3):
        graph = convolutional(seed)
        integer, data = quantized(graph)
        found, exact = real_outputs(integer, data), run(graph, data)
        assert sqnr(exact["logits"], found["logits"]) > 25
        assert_reference_agrees(integer, {name: array[:4] for name, array in data.items()})


def test_equal_inputs_give_equal_graphs():
    first, second = (quantized(convolutional())[0] for _ in range(2))
    assert first.nodes == second.nodes
    for name, tensor in first.tensors.items():
        assert tensor.quant == second.tensors[name].quant
        np.testing.assert_array_equal(tensor.data, second.tensors[name].data)


def test_bias_correction_takes_the_mean_error_of_every_channel_away():
    """Weights rounded to four levels show it: their error has a mean, because inputs behind a RELU do."""
    net = Net(5)
    x = net.node("RELU", net.input(64))
    graph = prepare_float(net.graph(net.node("FULLY_CONNECTED", x, net.random(8, 64), net.random(8))))
    coarse = replace(INT8, weight=replace(INT8.weight, low=-3, high=3))
    errors = {}
    for corrected in (False, True):
        integer, data = quantized(graph, replace(coarse, bias_correction=corrected))
        difference = next(iter(run(graph, data).values())) - next(iter(real_outputs(integer, data).values()))
        errors[corrected] = np.abs(difference.mean(axis=(0, 1))).max()
    assert errors[True] < errors[False] / 10


def test_bias_correction_makes_up_for_saturation_in_the_layer_before():
    net = Net(6)
    x = net.node("RELU", net.input(16), name="positive")
    graph = net.graph(net.node("FULLY_CONNECTED", x, net.constant(np.ones((1, 16))), net.random(1), name="sum"))
    data = data_for(graph, 256)
    ranges = {**observe(graph, data).ranges, "positive": (0.0, 1.0)}
    integer = quantize_graph(graph, ranges, INT8)
    errors = [
        float((run(graph, data)["sum"] - real_outputs(candidate, data)["sum"]).mean())
        for candidate in (integer, walk(graph, integer, data, Recipe(INT8), (correct_bias,)))
    ]
    assert errors[0] > 1 and abs(errors[1]) < 0.1


def test_constant_operands_are_quantized_per_tensor():
    net = Net()
    x = net.node("RELU", net.input(3, 3, 4))
    graph = net.graph(net.node("MUL", net.node("ADD", x, net.random(4)), net.random(4)))
    integer, data = quantized(graph)
    constants = [t for node in integer.nodes for t in integer.operands(node) if t.is_constant]
    assert len(constants) == 2 and all(t.dtype is DType.INT8 and t.quant.axis is None for t in constants)
    name = graph.outputs[0]
    assert sqnr(run(graph, data)[name], real_outputs(integer, data)[name]) > 25
    assert_reference_agrees(integer, data)


def test_concatenated_tensors_share_their_parameters():
    net = Net()
    a = net.node("FULLY_CONNECTED", net.input(4), net.random(3, 4))
    b = net.node("FULLY_CONNECTED", net.input(4), net.constant(20 * net.rng.normal(size=(3, 4))))
    joined = net.node("CONCATENATION", a, b, net.constant([[1, 2, 300]]), axis=1)
    graph = net.graph(net.node("PAD", joined, net.constant([[0, 0], [1, 2]], np.int32)))
    integer, data = quantized(graph)
    node = next(n for n in integer.nodes if n.op == "CONCATENATION")
    assert [n.op for n in integer.nodes].count("QUANTIZE") == 0
    assert {id(t.quant) for t in integer.operands(node)} and len(
        {t.quant.per_tensor for t in integer.operands(node)}
    ) == 1
    assert integer.results(node)[0].quant == integer.operands(node)[0].quant == integer.tensors[graph.outputs[0]].quant
    assert_reference_agrees(integer, data)


def test_a_fixed_operand_is_requantized_before_a_concatenation():
    """Tying would force the other operand into the softmax's range of 0 to 1."""
    net = Net()
    x = net.node("FULLY_CONNECTED", net.input(4), net.constant(9 * net.rng.normal(size=(3, 4))))
    graph = net.graph(net.node("CONCATENATION", net.node("SOFTMAX", x), x, axis=1))
    integer, data = quantized(graph)
    assert [n.op for n in integer.nodes] == ["FULLY_CONNECTED", "SOFTMAX", "QUANTIZE", "CONCATENATION"]
    name = graph.outputs[0]
    assert sqnr(run(graph, data)[name], real_outputs(integer, data)[name]) > 30
    assert_reference_agrees(integer, data)


def test_equally_fixed_operands_are_tied():
    net = Net()
    graph = net.graph(
        net.node("CONCATENATION", net.node("SOFTMAX", net.input(4)), net.node("LOGISTIC", net.input(4)), axis=1)
    )
    integer, data = quantized(graph)
    assert [n.op for n in integer.nodes].count("QUANTIZE") == 0
    assert_reference_agrees(integer, data)


def test_fixed_parameters_pass_through_pools_and_reshapes():
    net = Net()
    x = net.node("MAX_POOL_2D", net.node("LOGISTIC", net.input(4, 4, 2)), filter=(2, 2), stride=(2, 2))
    graph = net.graph(net.node("RESHAPE", x, new_shape=(1, 8), name="flat"))
    integer, data = quantized(graph)
    assert integer.tensors["flat"].quant == QuantParams(1 / 256, -128)
    assert_reference_agrees(integer, data)


def test_layers_that_share_weights_have_their_own_biases():
    net = Net()
    kernel, bias = net.random(4, 4), net.random(4)
    x = net.node("FULLY_CONNECTED", net.input(4), kernel, bias)
    graph = net.graph(net.node("FULLY_CONNECTED", x, kernel, bias))
    integer, data = quantized(graph, replace(INT8, bias_correction=False))
    first, second = integer.nodes
    assert first.inputs[1] == second.inputs[1] and first.inputs[2] != second.inputs[2]
    assert_reference_agrees(integer, data)


def test_a_bias_that_would_not_fit_raises_the_weight_scale_and_is_noted():
    net = Net()
    kernel = net.constant(np.float32([[1e-9, 2e-9, 0, 0], [1, 1, 1, 1]]))
    graph = net.graph(net.node("FULLY_CONNECTED", net.input(4), kernel, net.constant([1000.0, 1.0]), name="dense"))
    integer, data = quantized(graph, replace(INT8, bias_correction=False))
    assert "dense: weight scales of 1 channels raised" in integer.metadata["notes"]
    found = real_outputs(integer, data)["dense"]
    np.testing.assert_allclose(found[..., 0], 1000, rtol=0.01)
    assert_reference_agrees(integer, data)


def test_every_operator_that_can_be_quantized_agrees_with_the_reference():
    net = Net(8)
    x = net.input(6, 6, 4)
    y = net.node("PADV2", x, net.constant([[0, 0], [1, 0], [0, 2], [0, 0]], np.int32), net.constant([1.5]))
    y = net.node("MAX_POOL_2D", y, filter=(3, 2), stride=(2, 1), padding=Padding.SAME)
    a, b = net.node("TANH", y), net.node("LOGISTIC", y)
    y = net.node("SUB", net.node("MUL", a, b), net.node("RELU_N1_TO_1", y))
    y = net.node("MEAN", y, net.constant([1, 2], np.int32), keep_dims=False)
    y = net.node("RELU6", net.node("ADD", net.node("RELU", y), net.random(4)))
    graph = net.graph(net.node("SOFTMAX", y, beta=1.0), a)
    integer, data = quantized(graph)
    assert_reference_agrees(integer, data)


# --- refusals -------------------------------------------------------------------------------------------------------


def test_weights_computed_at_run_time_are_refused():
    net = Net()
    graph = net.graph(
        net.node("FULLY_CONNECTED", net.input(4), net.node("RESHAPE", net.input(8), new_shape=(2, 4)), name="odd")
    )
    with pytest.raises(QuantizationError, match="odd: .*constant"):
        quantized(graph)


def test_a_tensor_without_a_range_is_named():
    graph = convolutional()
    ranges = dict(observe(graph, data_for(graph)).ranges)
    del ranges["logits"]
    with pytest.raises(CalibrationError, match="logits"):
        quantize_graph(graph, ranges, INT8)


def test_schemes_refuse_what_makes_no_sense():
    with pytest.raises(QuantizationError, match="mirror"):
        RoleScheme(DType.INT8, -100, 127, True, Granularity.PER_TENSOR)
    with pytest.raises(QuantizationError, match="cannot hold"):
        RoleScheme(DType.INT8, -200, 127, False, Granularity.PER_TENSOR)
    with pytest.raises(QuantizationError, match="activations have one scale"):
        replace(INT8, activation=RoleScheme(DType.INT8, -128, 127, False, Granularity.PER_CHANNEL))
    with pytest.raises(QuantizationError, match="int8"):
        find_scheme("int3")
