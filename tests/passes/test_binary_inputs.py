"""Layers of binary inputs in `.tflite` files: four operators that TFLite computes to the same integers, and back."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from edgeq.exporters.tflite import export_tflite
from edgeq.importers import tflite
from edgeq.ir import DType, Graph, Node, frozen_array
from edgeq.ops import find_op
from edgeq.passes import prepare_quantized
from edgeq.passes.binary_inputs import fuse_binary_inputs, spell_out_binary_inputs
from tests import reference

from ..ops.cases import cases_of
from ..quant.integers import trace
from .net import ops

SPELLED_OUT = ["CAST", "GREATER_EQUAL", "SELECT_V2"]


def case_of(op: str, index: int):
    return cases_of(op, 3, 12)[index]


@pytest.mark.parametrize("index", range(12))
@pytest.mark.parametrize("op", ["BINARY_CONV_2D", "BINARY_FULLY_CONNECTED"])
def test_tflite_computes_the_same_integers_and_the_file_builds_as_it_was(op, index, tmp_path):
    case = case_of(op, index)
    (y,) = case.graph.outputs
    x = case.inputs[0]
    mine = trace(case.graph, {case.graph.inputs[0]: x})[y]
    data = export_tflite(case.graph)
    # TFLite has no int8 convolution without a bias
    if op != "BINARY_CONV_2D" or case.graph.nodes[0].inputs[2]:
        np.testing.assert_array_equal(reference.run(data, [x])[y].reshape(mine.shape), mine)
    (tmp_path / "m.tflite").write_bytes(data)
    again = prepare_quantized(tflite.load(tmp_path / "m.tflite"))
    assert ops(again) == [op]
    assert again.nodes[0].attrs == case.graph.nodes[0].attrs
    np.testing.assert_array_equal(trace(again, {again.inputs[0]: x})[y], mine)


def spelled_out() -> Graph:
    graph = spell_out_binary_inputs(case_of("BINARY_CONV_2D", 0).graph)
    assert ops(graph) == [*SPELLED_OUT, "CONV_2D"] and ops(fuse_binary_inputs(graph)) == ["BINARY_CONV_2D"]
    return graph


def changed(graph: Graph, operand: int, of: str, **how) -> Graph:
    """The graph with another constant for an operand of the node of that operator."""
    node = next(node for node in graph.nodes if node.op == of)
    return graph.rewrite(tensors=[replace(graph.tensors[node.inputs[operand]], **how)])


def integers(*values: int, dtype=np.int8) -> dict:
    return {"data": frozen_array(values, dtype), "shape": (len(values),)}


@pytest.mark.parametrize(
    ("operand", "of", "how"),
    [
        (1, "GREATER_EQUAL", "threshold"),
        (1, "SELECT_V2", integers(2)),
        (2, "SELECT_V2", integers(0)),
        (1, "CONV_2D", {"dtype": DType.INT8}),
    ],
)
def test_anything_else_stays_what_it_is(operand, of, how):
    graph = spelled_out()
    if how == "threshold":
        threshold = graph.tensors[next(n for n in graph.nodes if n.op == of).inputs[1]].data
        how = integers(int(threshold[0]) + 1, dtype=np.int32)
    graph = changed(graph, operand, of, **how)
    assert fuse_binary_inputs(graph) is graph


def test_what_others_read_stays_what_it_is():
    graph = spelled_out()
    signs = next(node.outputs[0] for node in graph.nodes if node.op == "SELECT_V2")
    assert fuse_binary_inputs(graph.rewrite(outputs=[*graph.outputs, signs])).nodes == graph.nodes


def test_a_comparison_of_another_order_stays_what_it_is():
    graph = spelled_out()
    node = graph.nodes[1]
    turned = Node("GREATER_EQUAL", node.inputs[::-1], node.outputs, find_op("GREATER_EQUAL").Attrs(), node.loc)
    graph = graph.rewrite([turned if each is node else each for each in graph.nodes])
    assert ops(fuse_binary_inputs(graph)) == [*SPELLED_OUT, "CONV_2D"]
