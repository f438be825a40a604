"""Layers of int8 and of int16 side by side: QUANTIZE at the borders, everything else as TFLite computes it."""

from __future__ import annotations

import numpy as np
import pytest

from edgeq.errors import QuantizationError
from edgeq.ir import DType, Graph, State
from edgeq.ops.base import Activation
from edgeq.passes import prepare_float
from edgeq.quant.evaluate import run
from edgeq.quant.quantize import quantize
from edgeq.quant.recipes import Recipe
from edgeq.quant.schemes import INT8, find_scheme
from tests.passes.net import Net

from .integers import assert_reference_agrees, real_outputs, sqnr
from .nets import data_for, mixed_net

INT16X8 = find_scheme("int16x8")


def types(graph: Graph) -> dict[str, str]:
    """The type of each activation, by name."""
    return {t.name: t.dtype.value for t in graph.tensors.values() if not t.is_constant}


def borders(graph: Graph) -> list[tuple[str, str]]:
    return [(n.inputs[0], n.outputs[0]) for n in graph.nodes if n.op == "QUANTIZE"]


@pytest.mark.parametrize(
    ("default", "other", "layers", "between"),
    [
        (INT8, INT16X8, "depthwise", ["conv/int16", "depthwise/int8"]),
        (INT8, INT16X8, "conv|dense", ["conv/int8", "pointwise/int16", "dense/int8"]),
        (INT16X8, INT8, "logits|probabilities", ["dense/int8"]),
        (INT8, INT16X8, "probabilities", ["logits/int16"]),
        (INT16X8, find_scheme("int8x4"), "pointwise", ["depthwise/int8", "pointwise/int16"]),
    ],
)  # fmt: skip
def test_types_change_at_the_borders_only(default, other, layers, between):
    graph = mixed_net()
    data = data_for(graph)
    integer = quantize(graph, data, Recipe.of(default, {layers: other}))
    # of a layer and the RESHAPE behind it either may stand at the border
    assert [after.replace("flat", "pointwise") for _, after in borders(integer)] == between
    assert_reference_agrees(integer, {name: array[:6] for name, array in data.items()})
    exact, found = run(graph, data), real_outputs(integer, data)
    assert sqnr(exact["probabilities"], found["probabilities"]) > 15


def test_wide_layers_are_nearer_to_float():
    """The layers that lose most, in int16; all in int16 is the end of the scale."""
    graph = mixed_net()
    data = data_for(graph)
    exact = run(graph, data)["probabilities"]
    recipes = (
        Recipe(INT8), Recipe.of(INT8, {"dense|logits|probabilities": INT16X8}), Recipe(INT16X8),
    )  # fmt: skip
    noise = [sqnr(exact, real_outputs(quantize(graph, data, each), data)["probabilities"]) for each in recipes]
    assert noise[0] + 1 < noise[1] < noise[2], noise


def test_what_moves_numbers_follows_its_neighbours():
    """No RESHAPE and no pooling between two layers of int16 goes through int8; the input has its readers' type."""
    net = Net(4)
    x = net.node("RESHAPE", net.input(48), net.constant([1, 4, 4, 3], np.int32), name="image")
    x = net.node("CONV_2D", x, net.random(6, 3, 3, 3), net.random(6), name="conv", activation=Activation.RELU)
    x = net.node("MAX_POOL_2D", x, name="pool", filter=(2, 2), stride=(2, 2))
    x = net.node("RESHAPE", x, net.constant([1, 6], np.int32), name="flat")
    x = net.node("FULLY_CONNECTED", x, net.random(5, 6), net.random(5), name="dense")
    graph = net.graph(net.node("SOFTMAX", x, name="probabilities"))
    data = data_for(graph)
    integer = quantize(graph, data, Recipe.of(INT8, {"conv|dense": INT16X8}))
    assert borders(integer) == [("dense", "dense/int8")]
    assert types(integer)["in0"] == types(integer)["pool"] == types(integer)["flat"] == "int16"
    assert_reference_agrees(integer, {name: array[:6] for name, array in data.items()})
    # a rule that names a layer goes before its neighbours
    named = quantize(graph, data, Recipe.of(INT8, {"conv|dense": INT16X8, "pool": INT8}))
    assert types(named)["pool"] == types(named)["flat"] == "int8"


def test_branches_of_two_types_meet_in_the_type_of_the_layer_that_joins_them():
    net = Net(5)
    x = net.input(6, 6, 4)
    a = net.node("CONV_2D", x, net.random(4, 1, 1, 4), net.random(4), name="a")
    b = net.node("CONV_2D", x, net.random(4, 1, 1, 4), net.random(4), name="b")
    added = net.node("ADD", a, b, name="sum")
    joined = net.node("CONCATENATION", a, b, added, name="joined", axis=3)
    graph = net.graph(net.node("CONV_2D", joined, net.random(3, 1, 1, 12), net.random(3), name="c"), a)
    data = data_for(graph)
    for default, other, layers in ((INT8, INT16X8, "a|c"), (INT16X8, INT8, "a|sum"), (INT8, INT16X8, "sum")):
        integer = quantize(graph, data, Recipe.of(default, {layers: other}))
        for node in integer.nodes:
            operands = {t.dtype for t in integer.operands(node) if t is not None and not t.is_constant}
            assert len(operands) == 1, node
            if node.op != "QUANTIZE":
                assert operands == {t.dtype for t in integer.results(node)}
        # readers of one type share what was converted for them
        assert len({source for source, _ in borders(integer)}) == len(borders(integer))
        assert_reference_agrees(integer, {name: array[:6] for name, array in data.items()})
        exact, found = run(graph, data), real_outputs(integer, data)
        assert all(sqnr(exact[name], found[name]) > 25 for name in graph.outputs)


def test_a_state_has_the_type_of_the_layer_that_computes_it():
    net = Net(6)
    x = net.input(5)
    held = net.input(4)
    joined = net.node("CONCATENATION", x, held, name="joined", axis=1)
    new = net.node("FULLY_CONNECTED", joined, net.random(4, 9), net.random(4), name="new", activation=Activation.RELU6)
    graph = net.graph(net.node("FULLY_CONNECTED", new, net.random(2, 4), net.random(2), name="out"))
    state = State(held, new, np.zeros((1, 4), np.float32))
    tensors = {**graph.tensors, "in1": graph.tensors["in1"]}
    graph = Graph("net", tensors, graph.nodes, (x,), ("out",), states=(state,))
    integer = quantize(graph, data_for(graph), Recipe.of(INT8, {"new": INT16X8}))
    found = types(integer)
    assert found["in1"] == found["new"] == "int16" and found["out"] == "int8"
    assert integer.tensors["in1"].quant == integer.tensors["new"].quant


def test_a_layer_without_the_type_is_named_before_any_data_is_read():
    net = Net(7)
    x = net.node("FULLY_CONNECTED", net.input(8), net.random(4, 8), net.random(4), name="dense")
    graph = prepare_float(net.graph(net.node("LOG_SOFTMAX", x, name="scores")))
    with pytest.raises(QuantizationError, match="scores: LOG_SOFTMAX computes in int8, not int16") as refused:
        quantize(graph, {}, INT16X8)
    assert "rule of its own" in refused.value.hint
    integer = quantize(graph, data_for(graph), Recipe.of(INT16X8, {"scores": INT8}))
    assert integer.tensors["scores"].dtype is DType.INT8
    assert_reference_agrees(integer, {name: array[:6] for name, array in data_for(graph).items()})
