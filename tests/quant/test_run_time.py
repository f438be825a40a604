"""Ranges found at run time: as near to float as calibrated int8, at any level of the input, without any data."""

from __future__ import annotations

from dataclasses import replace

import keras
import numpy as np
import pytest

from edgeq import api
from edgeq.errors import CalibrationError, QuantizationError
from edgeq.ir import DType, Graph, Node, QuantParams, State, Tensor
from edgeq.ops import Activation
from edgeq.ops.function import FunctionAttrs
from edgeq.ops.gelu import GeluAttrs
from edgeq.ops.lookup import LookupAttrs
from edgeq.passes import Edges, prepare_quantized
from edgeq.passes.dequantize_constants import dequantize_constants
from edgeq.quant.evaluate import run
from edgeq.quant.quantize import quantize
from edgeq.quant.recipes import Recipe, choose_recipe
from edgeq.quant.schemes import INT8, find_scheme
from edgeq.simulate import simulate
from edgeq.target import load_board
from edgeq.vectors import program_inputs
from tests.passes.net import Net
from tests.tools import needs_host

from .integers import sqnr
from .nets import data_for, mixed_net

CPU = load_board("mps2-an386").soc.cpu
DYNAMIC = find_scheme("dynamic")


def program_of(integer: Graph):
    return api.compile_graph(prepare_quantized(integer), CPU).program


def answers(integer: Graph, data: dict[str, np.ndarray]) -> np.ndarray:
    """Real first outputs of the compiled integer graph."""
    program = program_of(integer)
    found = simulate(program, program_inputs(program, [data[name] for name in integer.inputs]))[0]
    return program.tensors[program.outputs[0]].quant.dequantize(found)


def distance(graph: Graph, integer: Graph, data: dict[str, np.ndarray]) -> float:
    """SQNR in dB of the first output against float."""
    return sqnr(run(graph, data)[graph.outputs[0]], answers(integer, data))


def scaled(data: dict[str, np.ndarray], gain: float) -> dict[str, np.ndarray]:
    return {name: (array * gain).astype(np.float32) for name, array in data.items()}


def without_softmax(graph: Graph) -> Graph:
    return graph.rewrite(graph.nodes[:-1], outputs=graph.nodes[-1].inputs)


def without_biases() -> Graph:
    """Whose outputs are as loud as its inputs."""
    net = Net(5)
    x = net.node("CONV_2D", net.input(6, 6, 3), net.random(8, 3, 3, 3), name="conv", activation=Activation.RELU)
    x = net.node("DEPTHWISE_CONV_2D", x, net.random(1, 3, 3, 8), name="depthwise")
    x = net.node("RESHAPE", x, net.constant([1, 32], np.int32), name="flat")
    return net.graph(net.node("FULLY_CONNECTED", x, net.random(5, 32), name="dense"))


def test_it_is_as_near_to_float_as_calibrated_int8_and_nearer_at_other_levels():
    graph = without_biases()
    data = data_for(graph)
    static = quantize(graph, data, replace(INT8, bias_correction=False))
    dynamic = quantize(graph, None, DYNAMIC)
    found = {
        gain: tuple(distance(graph, each, scaled(data, gain)) for each in (static, dynamic)) for gain in (1, 0.01, 30)
    }
    print(found)
    assert found[1][1] >= found[1][0]
    for gain in (0.01, 30):
        assert found[gain][1] > 30 > found[gain][0] + 15


def around_zero() -> Graph:
    """Operators to which 0 is a number of its own, behind values of both signs and of one; and joined blocks."""
    net = Net(4)
    x = net.node("CONV_2D", net.input(6, 6, 2), net.random(4, 3, 3, 2), net.random(4), name="conv")
    x = net.node("PAD", x, net.constant([[0, 0], [1, 0], [0, 1], [0, 0]], np.int32), name="pad")
    a = net.node("CONV_2D", x, net.random(5, 2, 2, 4), net.random(5), name="a", activation=Activation.RELU)
    b = net.node("CONV_2D", x, net.random(5, 2, 2, 4), net.constant(np.full(5, 3.0)), name="b")
    shown = net.node("ADD", a, b, name="sum", activation=Activation.RELU6)
    a = net.node("MAX_POOL_2D", a, name="pool", filter=(2, 2), stride=(2, 2))
    b = net.node("AVERAGE_POOL_2D", b, name="mean", filter=(2, 2), stride=(2, 2))
    b = net.node("LEAKY_RELU", b, name="leaky", alpha=0.1)
    a = net.node("MAXIMUM", a, net.node("MINIMUM", a, b, name="smaller"), name="larger")
    x = net.node("CONCATENATION", a, b, name="joined", axis=3)
    x = net.node("MUL", x, net.random(1, 1, 1, 10), name="scaled")
    whole = net.node("AVERAGE_POOL_2D", x, name="whole", filter=(2, 2), stride=(2, 2))
    gate = net.node("LOGISTIC", whole, name="gate")
    return net.graph(net.node("MUL", x, gate, name="gated"), shown)


@pytest.mark.parametrize(("scheme", "least"), [("dynamic", 25), ("adaptive", 15)])
def test_zero_stays_zero_through_padding_and_rectifiers(scheme, least):
    graph = around_zero()
    data = data_for(graph, vectors=12)
    integer = quantize(graph, None, find_scheme(scheme))
    assert distance(graph, integer, data) > least
    assert {node.op for node in integer.nodes} >= {"PAD", "LEAKY_RELU", "DYNAMIC_CONCATENATION", "DYNAMIC_MEAN", "CAST"}
    assert {node.op for node in integer.nodes} >= {"DYNAMIC_MAXIMUM", "DYNAMIC_MINIMUM"}


def test_inputs_and_outputs_are_fixed_point():
    graph = without_softmax(mixed_net())
    integer = quantize(graph, None, DYNAMIC)
    edge = QuantParams([2.0**-16], [0])
    for name in (*integer.inputs, *integer.outputs):
        assert (integer.tensors[name].dtype, integer.tensors[name].quant) == (DType.INT32, edge)
    silence = {name: np.zeros((1, *graph.tensors[name].shape), np.float32) for name in graph.inputs}
    assert distance(graph, integer, silence) > 40  # what biases alone give


def test_weights_that_the_file_has_in_int8_stay_as_they_are():
    net = Net(2)
    coarse = QuantParams([0.011], [0])
    integers = net.rng.integers(-127, 128, (3, 8), np.int8)
    x = net.node(
        "FULLY_CONNECTED", net.input(8), net.constant(coarse.dequantize(integers)), net.random(3), name="dense"
    )
    graph = net.graph(x)
    (node,) = graph.nodes
    weights = replace(graph.tensors[node.inputs[1]], dtype=DType.INT8, quant=coarse, data=integers)
    hybrid = replace(graph, tensors={**graph.tensors, weights.name: weights})
    prepared = dequantize_constants(hybrid)
    found = quantize(prepared, None, DYNAMIC)
    (layer,) = (n for n in found.nodes if n.op == "DYNAMIC_FULLY_CONNECTED")
    kept = found.tensors[layer.inputs[1]]
    np.testing.assert_array_equal(kept.data, integers)
    assert kept.quant == coarse
    requantized = quantize(graph, None, DYNAMIC)
    assert requantized.tensors[layer.inputs[1].removesuffix(":float32")].quant.scale.size == 3


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"weight": replace(DYNAMIC.weight, dtype=DType.INT4, low=-7, high=7)}, "weights are int8"),
        ({"scaling": "smooth"}, "unscaled"),
        ({"activation": replace(DYNAMIC.activation, low=-7, high=7)}, "activations have all of int8"),
    ],
)
def test_what_it_cannot_do_is_said_before_any_work(change, message):
    with pytest.raises(QuantizationError, match=message):
        quantize(mixed_net(), None, replace(DYNAMIC, **change))


def test_all_layers_or_none():
    for rules in (Recipe.of(INT8, {"dense": DYNAMIC}), Recipe.of(DYNAMIC, {"dense": find_scheme("adaptive")})):
        with pytest.raises(QuantizationError, match=r"at one time.*\(the default\).*\(dense\)"):
            quantize(mixed_net(), None, rules)


def test_observers_and_real_edges_are_refused_and_calibration_data_are_not_looked_at(tmp_path):
    with pytest.raises(QuantizationError, match="nothing to observe"):
        choose_recipe("dynamic", None, observer="mse")
    with pytest.raises(QuantizationError, match="fixed-point inputs"):
        api.quantize_model(mixed_net(), None, scheme="dynamic", edges=Edges.FLOAT)
    _, warnings = api.quantize_model(mixed_net(), tmp_path / "there is no such file.npz", scheme="dynamic")
    assert "not looked at" in warnings[0]
    with pytest.raises(CalibrationError) as refused:
        api.quantize_model(mixed_net(), None)
    assert "--scheme dynamic" in refused.value.hint


def attending() -> Graph:
    """Products of activations, a transposed convolution, slopes below and above 1, what is made of other operators."""
    net = Net(6)
    x = net.node("PRELU", net.input(4, 4, 3), net.constant(np.array([0.2, -0.5, 1.0])), name="gentle")
    size = net.constant([1, 8, 8, 4], np.int32)
    filters = net.constant(net.rng.normal(size=(4, 3, 3, 3)) / 4)
    x = net.node(
        "TRANSPOSE_CONV",
        size,
        filters,
        net.node("SQUARE", x, name="squared"),
        net.random(4),
        name="larger",
        stride=(2, 2),
    )
    x = net.node("PRELU", x, net.constant(np.array([2.0, 0.1, -3.0, 0.0])), name="steep")
    rows = net.node("RESHAPE", x, net.constant([1, 64, 4], np.int32), name="rows")
    likeness = net.node("BATCH_MATMUL", rows, rows, name="likeness", adj_y=True)
    x = net.node("BATCH_MATMUL", likeness, rows, name="mixed")
    x = net.node("MUL", x, net.constant([2e-5]), name="less")
    x = net.node("SUM", x, net.constant([1], np.int32), name="summed")
    other = net.node("ABS", net.node("NEG", x, name="negative"), name="magnitude")
    x = net.node(
        "PACK", x, net.node("SQUARED_DIFFERENCE", x, other, name="apart"), name="packed", values_count=2, axis=1
    )
    return net.graph(x)


@pytest.mark.parametrize(("scheme", "least"), [("dynamic", 30), ("adaptive", 15)])
def test_operators_that_become_others_or_have_a_counterpart(scheme, least):
    graph = attending()
    data = data_for(graph, vectors=12)
    integer = quantize(graph, None, find_scheme(scheme))
    assert distance(graph, integer, data) > least
    assert {node.op for node in integer.nodes} >= {"DYNAMIC_BATCH_MATMUL", "DYNAMIC_TRANSPOSE_CONV", "DYNAMIC_SUM"}


def remembering() -> Graph:
    """A sum over time, and a gate and an input that are states as they are."""
    net = Net(8)
    x = net.input(6)
    before, gate, seen = (Tensor(name, (1, 6), DType.FLOAT32) for name in ("before", "gate_before", "input_before"))
    net.tensors |= {t.name: t for t in (before, gate, seen)}
    total = net.node("ADD", x, net.node("MUL", before.name, net.constant(np.full(6, 0.5)), name="faded"), name="total")
    now = net.node("LOGISTIC", total, name="gate")
    y = net.node("ADD", net.node("MUL", total, gate.name, name="gated"), seen.name, name="shown")
    states = tuple(
        State(*each)
        for each in (
            (before.name, total, np.full((1, 6), 0.75, np.float32)),
            (gate.name, now, np.zeros((1, 6), np.float32)),
            (seen.name, x, np.zeros((1, 6), np.float32)),
        )
    )
    return Graph("remembering", net.tensors, tuple(net.nodes), tuple(net.inputs), (y,), states=states)


def test_states_are_fixed_point_as_inputs_and_outputs_are():
    graph = remembering()
    integer = quantize(graph, None, DYNAMIC)
    for state in integer.states:
        assert {integer.tensors[name].dtype for name in (state.read, state.written)} == {DType.INT32}
    np.testing.assert_array_equal(integer.states[0].initial, 0.75 * 2**16)
    data = data_for(graph, vectors=20)
    assert distance(graph, integer, data) > 30
    quiet = {name: np.concatenate([x[:1], 0 * x[1:3]]) for name, x in data.items()}
    assert distance(graph, integer, quiet) > 30


def test_fixed_point_inputs_are_brought_to_what_an_operator_needs():
    net = Net()
    graph = net.graph(net.node("LOGISTIC", net.input(8), name="gate"))
    assert distance(graph, quantize(graph, None, DYNAMIC), data_for(graph)) > 40


@pytest.mark.parametrize("gain", [0.02, 1, 20])
@pytest.mark.parametrize(
    ("op", "attrs"),
    [
        ("GELU", GeluAttrs()),
        ("ELU", LookupAttrs()),
        ("HARD_SWISH", LookupAttrs()),
        ("RELU6", LookupAttrs()),
        ("FUNCTION", FunctionAttrs("softplus")),
        ("FUNCTION", FunctionAttrs("hard_shrink", (0.01,))),
    ],
)
def test_functions_are_as_near_at_any_level(op, attrs, gain):
    net = Net(9)
    x = net.node("FULLY_CONNECTED", net.input(12), net.random(16, 12), name="dense")
    net.tensors["curve"] = replace(net.tensors[x], name="curve")
    net.nodes.append(Node(op, (x,), ("curve",), attrs, "curve"))
    graph = net.graph("curve")
    data = data_for(graph, vectors=20)
    if op == "RELU6" and gain > 1:
        gain = 3  # beyond that nearly all is 0 or 6
    assert distance(graph, quantize(graph, None, DYNAMIC), scaled(data, gain)) > 32


def normalizing() -> Graph:
    """As converters write a layer normalization, and with a quotient."""
    net = Net(10)
    x = net.node("FULLY_CONNECTED", net.input(12), net.random(16, 12), net.random(16), name="dense")
    axis = net.constant([1], np.int32)
    mean = net.node("MEAN", x, axis, name="mean", keep_dims=True)
    apart = net.node("SQUARED_DIFFERENCE", x, mean, name="apart")
    variance = net.node("MEAN", apart, axis, name="variance", keep_dims=True)
    root = net.node("RSQRT", net.node("ADD", variance, net.constant([1e-3]), name="more"), name="root")
    centred = net.node("SUB", x, mean, name="centred")
    deviation = net.node("SQRT", variance, name="deviation")
    quotient = net.node("DIV", centred, deviation, name="quotient")
    return net.graph(net.node("MUL", centred, root, name="product"), quotient)


@pytest.mark.parametrize("output", [0, 1])
def test_normalizations_in_parts(output):
    graph = normalizing()
    graph = graph.rewrite(outputs=graph.outputs[output : output + 1])
    assert distance(graph, quantize(graph, None, DYNAMIC), data_for(graph, vectors=20)) > 35


def layered(tmp_path, stateful: bool) -> Graph:
    """Recurrent layers and normalizations, whose results stay within known ranges."""
    keras.utils.set_random_seed(3)
    inputs = keras.Input(batch_shape=(1, 5, 6))
    x = keras.layers.LSTM(7, return_sequences=True, stateful=stateful)(inputs)
    x = keras.layers.LayerNormalization(gamma_initializer="random_normal", beta_initializer="random_normal")(x)
    x = keras.layers.Add()([keras.layers.Dense(7)(x), x])
    x = keras.layers.GRU(8, return_sequences=True)(x)
    x = keras.layers.Bidirectional(keras.layers.SimpleRNN(4))(x)
    model = keras.Model(inputs, keras.layers.Dense(5)(keras.layers.UnitNormalization()(x)))
    model.save(tmp_path / "model.keras")
    return api.prepare_float(api.load_model(tmp_path / "model.keras"))


@pytest.mark.parametrize("stateful", [False, True])
@pytest.mark.parametrize(("scheme", "least"), [("dynamic", 30), ("adaptive", 20)])
def test_results_of_known_ranges_are_int16(tmp_path, scheme, least, stateful):
    graph = layered(tmp_path, stateful)
    assert bool(graph.states) is stateful
    data = data_for(graph, vectors=20)
    integer = quantize(graph, None, find_scheme(scheme))
    types = {node.op: integer.tensors[node.outputs[0]].dtype for node in integer.nodes}
    for op in ("UNIDIRECTIONAL_SEQUENCE_LSTM", "GRU", "SIMPLE_RNN", "LAYER_NORMALIZATION"):
        assert types[op] is DType.INT16
    assert distance(graph, integer, data) > least
    for state in integer.states[: 2 * stateful]:
        assert integer.tensors[state.read].dtype is DType.INT32


@needs_host
def test_they_are_equal_on_the_host(tmp_path):
    graph = layered(tmp_path, True)
    project = api.build(tmp_path / "model.keras", "mps2-an386", scheme="dynamic", out=tmp_path / "firmware")
    assert project.verify("host", vectors=6).equal
    assert graph.states


def test_operators_without_a_way_are_named_all_at_once():
    net = Net()
    x = net.node("SIN", net.input(8), name="first")
    x = net.node("FULLY_CONNECTED", x, net.random(4, 8), net.random(4), name="dense")
    graph = net.graph(net.node("FLOOR", x, name="second"))
    with pytest.raises(QuantizationError, match=r"FLOOR \(second\); SIN \(first\)") as refused:
        quantize(graph, None, DYNAMIC)
    assert "int8" in refused.value.hint
