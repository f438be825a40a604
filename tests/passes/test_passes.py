"""Each pass does its job, leaves the outputs as they were, and keeps away where it would not."""

from __future__ import annotations

import numpy as np
import pytest

from edgeq.ir import DType, Graph, Node, QuantParams, Tensor, verify_graph
from edgeq.ops import find_op
from edgeq.ops.base import Activation
from edgeq.ops.spatial import Padding
from edgeq.passes import prepare_float, prepare_quantized
from edgeq.passes.dequantize_constants import dequantize_constants
from edgeq.passes.flatten_dense import flatten_dense
from edgeq.passes.fold_constants import fold_constants
from edgeq.passes.fold_scale_offset import fold_into_next, fold_scale_offset
from edgeq.passes.fuse_activations import fuse_activations
from edgeq.passes.remove_dead import remove_dead
from edgeq.passes.remove_no_ops import remove_no_ops
from edgeq.passes.sink_reshapes import sink_reshapes
from edgeq.passes.strip_edges import strip_edges

from .net import Net, assert_preserved, ops


@pytest.fixture
def net():
    return Net()


def weighted(net, kind, **attrs):
    """A layer of that kind with 6 channels from 4, with a bias."""
    if kind == "FULLY_CONNECTED":
        return net.node(kind, net.input(4), net.random(6, 4), net.random(6), **attrs)
    if kind == "DEPTHWISE_CONV_2D":
        return net.node(kind, net.input(5, 5, 3), net.random(1, 3, 3, 6), net.random(6), depth_multiplier=2, **attrs)
    return net.node(kind, net.input(5, 5, 4), net.random(6, 3, 3, 2), net.random(6), **attrs)


LAYERS = ["CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED"]


# --- batch normalization --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", LAYERS)
def test_scale_and_offset_go_into_the_layer_before(net, kind):
    x = weighted(net, kind)
    y = net.node("ADD", net.node("MUL", x, net.random(6)), net.random(1, 6), activation=Activation.RELU)
    before = net.graph(y)
    after = fold_scale_offset(before)
    assert ops(after) == [kind]
    assert after.nodes[0].attrs.activation is Activation.RELU
    assert_preserved(before, after)


def test_a_layer_without_bias_gets_one(net):
    x = net.node("FULLY_CONNECTED", net.input(4), net.random(6, 4))
    before = net.graph(net.node("ADD", x, net.constant(2.5 * np.ones(1))))
    after = fold_scale_offset(before)
    assert ops(after) == ["FULLY_CONNECTED"] and len(after.nodes[0].inputs) == 3
    assert_preserved(before, after)


@pytest.mark.parametrize("constant_first", [False, True])
def test_differences_fold_with_the_constant_on_either_side(net, constant_first):
    operands = [weighted(net, "CONV_2D"), net.random(6)]
    before = net.graph(net.node("SUB", *operands[:: -1 if constant_first else 1]))
    after = fold_scale_offset(before)
    assert ops(after) == ["CONV_2D"]
    assert_preserved(before, after)


def test_shared_weights_are_not_changed_for_the_other_layer(net):
    kernel = net.random(4, 4)
    x = net.node("FULLY_CONNECTED", net.input(4), kernel)
    y = net.node("FULLY_CONNECTED", net.node("MUL", x, net.random(4)), kernel)
    before = net.graph(net.node("MUL", y, net.random(4)))
    after = fold_scale_offset(before)
    assert ops(after) == ["FULLY_CONNECTED"] * 2
    assert_preserved(before, after)


def test_a_result_that_others_read_is_not_scaled(net):
    x = weighted(net, "CONV_2D")
    scaled = net.node("MUL", x, net.random(6))
    for outputs in ((net.node("ADD", x, scaled),), (x, scaled)):
        graph = net.graph(*outputs)
        assert ops(fold_scale_offset(graph)) == ops(graph)


def test_an_activation_in_between_keeps_the_layer_apart(net):
    x = weighted(net, "CONV_2D", activation=Activation.RELU)
    graph = net.graph(net.node("MUL", x, net.random(6)))
    assert fold_scale_offset(graph) == graph


def test_a_constant_that_differs_by_pixel_stays(net):
    graph = net.graph(net.node("MUL", weighted(net, "CONV_2D"), net.random(3, 3, 6)))
    assert fold_scale_offset(graph) == graph


@pytest.mark.parametrize("kind", LAYERS)
def test_scale_and_offset_go_into_the_next_layer(net, kind):
    shapes = {
        "CONV_2D": ((5, 5, 4), (6, 3, 3, 2)),
        "DEPTHWISE_CONV_2D": ((5, 5, 3), (1, 3, 3, 6)),
        "FULLY_CONNECTED": ((4,), (6, 4)),
    }
    data, kernel = shapes[kind]
    x = net.node("ADD", net.node("MUL", net.input(*data), net.random(data[-1])), net.random(data[-1]))
    attrs = {"depth_multiplier": 2} if kind == "DEPTHWISE_CONV_2D" else {}
    before = net.graph(net.node(kind, x, net.random(*kernel), **attrs))
    after = fold_into_next(before)
    assert ops(after) == [kind]
    assert_preserved(before, after)


def test_an_offset_stays_before_zero_padding(net):
    x = net.node("MUL", net.node("ADD", net.input(5, 5, 4), net.random(4)), net.random(4))
    before = net.graph(net.node("CONV_2D", x, net.random(6, 3, 3, 4), padding=Padding.SAME))
    after = fold_into_next(before)
    assert ops(after) == ["ADD", "CONV_2D"]
    assert_preserved(before, after)


# --- activations ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("activation", ["RELU", "RELU6", "RELU_N1_TO_1"])
@pytest.mark.parametrize("kind", [*LAYERS, "ADD", "SUB", "MUL", "MAX_POOL_2D", "AVERAGE_POOL_2D"])
def test_activations_fuse_into_every_producer_that_can(net, kind, activation):
    if kind in LAYERS:
        x = weighted(net, kind)
    elif kind.endswith("POOL_2D"):
        x = net.node(kind, net.input(4, 4, 2), filter=(2, 2), stride=(2, 2))
    else:
        x = net.node(kind, net.input(4), net.input(4))
    before = net.graph(net.node(activation, x))
    after = fuse_activations(before)
    assert ops(after) == [kind] and after.nodes[0].attrs.activation.name == activation
    assert_preserved(before, after, exactly=True)


def test_relu_of_relu6_is_relu6(net):
    before = net.graph(net.node("RELU", net.node("RELU6", weighted(net, "FULLY_CONNECTED"))))
    after = fuse_activations(before)
    assert ops(after) == ["FULLY_CONNECTED"] and after.nodes[0].attrs.activation is Activation.RELU6
    assert_preserved(before, after, exactly=True)


def test_different_activations_are_not_merged(net):
    x = weighted(net, "FULLY_CONNECTED", activation=Activation.RELU_N1_TO_1)
    graph = net.graph(net.node("RELU", x))
    assert fuse_activations(graph) == graph


def test_a_value_that_is_read_before_its_activation_stays(net):
    x = weighted(net, "FULLY_CONNECTED")
    y = net.node("RELU", x)
    for outputs in ((x, y), (net.node("ADD", x, y),)):
        graph = net.graph(*outputs)
        assert ops(fuse_activations(graph)) == ops(graph)


def test_concatenations_take_no_activation(net):
    graph = net.graph(net.node("RELU", net.node("CONCATENATION", net.input(2), net.input(2), axis=1)))
    assert fuse_activations(graph) == graph


# --- cleaning -------------------------------------------------------------------------------------------------------


def test_constants_are_computed(net):
    c = net.node("RESHAPE", net.node("MUL", net.random(2, 3), net.constant([0.5])), new_shape=(1, 6))
    before = net.graph(net.node("ADD", net.input(6), c))
    after = fold_constants(before)
    assert ops(after) == ["ADD"]
    assert_preserved(before, after, exactly=True)


def test_no_ops_disappear(net):
    x = net.node("RESHAPE", net.input(4, 4, 2), new_shape=(1, 4, 4, 2))
    x = net.node("PAD", x, net.constant(np.zeros((4, 2)), np.int32))
    x = net.node("MAX_POOL_2D", x)
    x = net.node("ADD", net.node("MUL", x, net.constant([1.0])), net.constant(np.zeros(2)))
    before = net.graph(net.node("TANH", x))
    after = remove_no_ops(before)
    assert ops(after) == ["TANH"]
    assert_preserved(before, after, exactly=True)


def test_reshapes_merge(net):
    x = net.node("TANH", net.input(4, 6))
    for shape in ((1, 24), (1, 2, 12), (1, 4, 6)):
        x = net.node("RESHAPE", x, new_shape=shape)
    before = net.graph(net.node("TANH", x))
    after = remove_no_ops(before)
    assert ops(after) == ["TANH", "TANH"]
    assert_preserved(before, after, exactly=True)


def test_a_no_op_at_an_output_gives_its_name_to_the_producer(net):
    x = net.node("TANH", net.input(3))
    before = net.graph(net.node("RESHAPE", x, new_shape=(1, 3), name="result"))
    after = remove_no_ops(before)
    assert ops(after) == ["TANH"] and after.nodes[0].outputs == ("result",)
    assert_preserved(before, after, exactly=True)


def test_a_no_op_between_input_and_output_stays(net):
    graph = net.graph(net.node("RESHAPE", net.input(3), new_shape=(1, 3)))
    assert remove_no_ops(graph) == graph


@pytest.mark.parametrize("values", [("MUL", [1.0]), ("ADD", [0.0])])
def test_an_identity_keeps_the_tensor_and_not_the_constant(net, values):
    before = net.graph(net.node("TANH", net.node(values[0], net.constant(values[1]), net.input(3))))
    assert_preserved(before, remove_no_ops(before), exactly=True)


def test_subtracting_from_zero_is_not_a_no_op(net):
    graph = net.graph(net.node("TANH", net.node("SUB", net.constant([0.0]), net.input(3))))
    assert_preserved(graph, remove_no_ops(graph), exactly=True)


def test_dead_nodes_disappear_and_inputs_stay(net):
    a, b = net.input(3), net.input(3)
    net.node("ADD", a, b)
    net.node("TANH", net.node("TANH", b))
    before = net.graph(net.node("TANH", a))
    after = remove_dead(before)
    assert ops(after) == ["TANH"] and after.inputs == (a, b)
    assert_preserved(before, after, exactly=True)


def test_one_dimensional_convolutions_absorb_their_normalization(net):
    image = net.node("RESHAPE", net.input(8, 3), new_shape=(1, 1, 8, 3))
    x = net.node("CONV_2D", image, net.random(5, 1, 3, 3))
    x = net.node("RESHAPE", x, new_shape=(1, 6, 5))
    x = net.node("RELU", net.node("ADD", net.node("MUL", x, net.random(1, 1, 5)), net.random(5)))
    before = net.graph(net.node("TANH", x))
    assert_preserved(before, sink_reshapes(before), exactly=True)
    after = prepare_float(before)
    assert ops(after) == ["RESHAPE", "CONV_2D", "RESHAPE", "TANH"]
    assert_preserved(before, after)


def test_a_reshape_that_changes_channels_stays_where_it_is(net):
    x = net.node("RESHAPE", weighted(net, "CONV_2D"), new_shape=(1, 54))
    graph = net.graph(net.node("MUL", x, net.random(54)))
    assert sink_reshapes(graph) == graph


def test_the_whole_chain_on_random_networks():
    for seed in range(12):
        net = Net(seed)
        x = net.node("MUL", net.input(6, 6, 3), net.constant([1 / 255]))
        trunk = x = net.node("CONV_2D", x, net.random(4, 3, 3, 3), padding=Padding.SAME)
        for _ in range(6):
            step = net.rng.integers(6)
            if step == 0:
                x = net.node("CONV_2D", x, net.random(4, 3, 3, 4), net.random(4), padding=Padding.SAME)
            elif step == 1:
                x = net.node("MUL", x, net.random(4))
            elif step == 2:
                x = net.node("ADD", net.random(4), x)
            elif step == 3:
                x = net.node("RELU6" if net.rng.integers(2) else "RELU", x)
            elif step == 4:
                x = net.node("SUB", trunk, x)
            else:
                x = net.node("AVERAGE_POOL_2D", x, filter=(1, 1))
        flat = net.node("RESHAPE", x, new_shape=(1, -1))
        before = net.graph(net.node("FULLY_CONNECTED", flat, net.random(3, 144)), trunk)
        after = prepare_float(before)
        assert len(after.nodes) < len(before.nodes)
        assert_preserved(before, after)


# --- integer graphs -------------------------------------------------------------------------------------------------


def integer_graph(outputs=("out",)):
    """float in → QUANTIZE → TANH → DEQUANTIZE → float out."""
    quant = QuantParams(1 / 128, 0)
    tensors = [
        Tensor("in", (1, 3), DType.FLOAT32),
        Tensor("q", (1, 3), DType.INT8, QuantParams(0.1, 5)),
        Tensor("t", (1, 3), DType.INT8, quant),
        Tensor("out", (1, 3), DType.FLOAT32),
    ]
    nodes = (
        Node("QUANTIZE", ("in",), ("q",), find_op("QUANTIZE").Attrs()),
        Node("TANH", ("q",), ("t",), find_op("TANH").Attrs()),
        Node("DEQUANTIZE", ("t",), ("out",), find_op("DEQUANTIZE").Attrs()),
    )
    return verify_graph(Graph("net", {t.name: t for t in tensors}, nodes, ("in",), outputs), "test")


def test_float_edges_of_an_integer_graph_are_stripped():
    after = prepare_quantized(integer_graph())
    assert ops(after) == ["TANH"]
    assert (after.inputs, after.outputs) == (("in",), ("out",))
    assert after.tensors["in"].dtype is DType.INT8 and after.tensors["in"].quant == QuantParams(0.1, 5)
    assert after.tensors["out"].dtype is DType.INT8 and after.tensors["out"].quant == QuantParams(1 / 128, 0)


def test_an_output_that_is_also_read_as_integer_keeps_both_names():
    after = strip_edges(integer_graph(("out", "t")))
    verify_graph(after, "test")
    assert ops(after) == ["TANH"] and after.outputs == ("t", "t")


def test_an_input_quantized_in_two_ways_stays_float():
    graph = integer_graph()
    other = Tensor("q2", (1, 3), DType.INT8, QuantParams(0.2, 0))
    again = Node("QUANTIZE", ("in",), ("q2",), find_op("QUANTIZE").Attrs())
    graph = graph.rewrite((*graph.nodes, again), [other], outputs=("out", "q2"))
    assert strip_edges(graph).tensors["in"].dtype is DType.FLOAT32


def test_integer_activations_are_not_fused():
    """Between an integer layer and its RELU a value is rounded and saturated: fusing would change results."""
    graph = integer_graph()
    relu = tuple(
        Node("RELU", n.inputs, n.outputs, find_op("RELU").Attrs()) if n.op == "TANH" else n for n in graph.nodes
    )
    after = prepare_quantized(graph.rewrite(relu))
    assert ops(after) == ["RELU"]


# --- compressed weights ---------------------------------------------------------------------------------------------


def test_hybrid_weights_become_the_floats_they_stand_for():
    codes = np.arange(-8, 8, dtype=np.int8).reshape(2, 8)
    scales = np.array([0.5, 0.25], np.float32)
    x = Tensor("x", (1, 8), DType.FLOAT32)
    w = Tensor("w", (2, 8), DType.INT8, QuantParams(scales, [0, 0], 0), codes)
    y = Tensor("y", (1, 2), DType.FLOAT32)
    attrs = find_op("FULLY_CONNECTED").Attrs()
    graph = Graph(
        "g", {t.name: t for t in (x, w, y)}, (Node("FULLY_CONNECTED", ("x", "w"), ("y",), attrs),), ("x",), ("y",)
    )
    after = verify_graph(dequantize_constants(graph), "test")
    (node,) = after.nodes
    weights = after.tensors[node.inputs[1]]
    assert weights.dtype is DType.FLOAT32
    assert np.array_equal(weights.data, codes * scales[:, np.newaxis])


def test_float16_weights_become_float32():
    half = Tensor("h", (3,), DType.FLOAT16, data=np.array([0.5, -1.25, 3.0], np.float16))
    x, w, y = (Tensor(name, (3,), DType.FLOAT32) for name in "xwy")
    nodes = (Node("DEQUANTIZE", ("h",), ("w",)), Node("ADD", ("x", "w"), ("y",), find_op("ADD").Attrs()))
    graph = Graph("g", {t.name: t for t in (half, x, w, y)}, nodes, ("x",), ("y",))
    after = verify_graph(dequantize_constants(graph), "test")
    assert ops(after) == ["ADD"]
    assert after.tensors["w"].data.tolist() == [0.5, -1.25, 3.0]


def test_uint8_edges_are_stripped():
    tensors = [
        Tensor("x", (4,), DType.UINT8, QuantParams([0.5], [130])),
        Tensor("a", (4,), DType.INT8, QuantParams([0.5], [2])),
        Tensor("b", (4,), DType.INT8, QuantParams([0.5], [2])),
        Tensor("y", (4,), DType.UINT8, QuantParams([0.5], [130])),
    ]
    quantize, relu = find_op("QUANTIZE").Attrs, find_op("RELU").Attrs
    nodes = (
        Node("QUANTIZE", ("x",), ("a",), quantize()),
        Node("RELU", ("a",), ("b",), relu()),
        Node("QUANTIZE", ("b",), ("y",), quantize()),
    )
    after = strip_edges(Graph("g", {t.name: t for t in tensors}, nodes, ("x",), ("y",)))
    assert ops(after) == ["RELU"]
    assert [after.tensors[n].dtype for n in (*after.inputs, *after.outputs)] == [DType.INT8, DType.INT8]
    assert after.tensors["x"].quant.per_tensor == (0.5, 2)


# --- dense layers on more than a vector -----------------------------------------------------------------------------


def test_dense_layers_of_higher_rank_work_on_matrices(net):
    x = net.input(3, 5, 4)
    left = net.node("FULLY_CONNECTED", x, net.random(6, 4), net.random(6), keep_num_dims=True)
    right = net.node("FULLY_CONNECTED", x, net.random(6, 4), keep_num_dims=True, activation=Activation.RELU)
    before = net.graph(net.node("ADD", left, right))
    after = flatten_dense(before)
    assert sorted(ops(after)) == ["ADD"] + 2 * ["FULLY_CONNECTED"] + 3 * ["RESHAPE"]
    assert all(len(after.tensors[node.outputs[0]].shape) == 2 for node in after.nodes if node.op == "FULLY_CONNECTED")
    assert_preserved(before, after, exactly=True)


def test_dense_layers_on_vectors_stay(net):
    graph = net.graph(net.node("FULLY_CONNECTED", net.input(4), net.random(6, 4), keep_num_dims=True))
    assert ops(flatten_dense(graph)) == ["FULLY_CONNECTED"]
