"""Exported files are what TFLite expects, and read back as the graph that was written."""

from __future__ import annotations

import ai_edge_litert.schema_py_generated as schema
import numpy as np
import pytest

from edgeq.errors import ModelError
from edgeq.exporters.tflite import ALIGNMENT, export_tflite
from edgeq.importers import tflite
from edgeq.ir import DType, Graph, Node, Tensor
from edgeq.ops.spatial import Padding
from edgeq.quant.evaluate import run
from edgeq.quant.quantize import quantize
from edgeq.quant.schemes import INT8
from tests import reference
from tests.passes.net import Net

from .test_quantize import convolutional, data_for


@pytest.fixture(scope="module")
def graph():
    float_graph = convolutional()
    return quantize(float_graph, data_for(float_graph), INT8)


def test_reading_the_file_back_gives_the_same_graph(graph, tmp_path):
    path = tmp_path / "m.tflite"
    path.write_bytes(export_tflite(graph))
    again = tflite.load(path)
    assert (again.inputs, again.outputs) == (graph.inputs, graph.outputs)
    assert [(n.op, n.inputs[0], n.outputs) for n in again.nodes] == [
        (n.op, n.inputs[0], n.outputs) for n in graph.nodes
    ]
    assert [n.attrs for n in again.nodes if n.op != "RESHAPE"] == [n.attrs for n in graph.nodes if n.op != "RESHAPE"]
    for name, tensor in graph.tensors.items():
        other = again.tensors[name]
        assert (other.shape, other.dtype, other.quant) == (tensor.shape, tensor.dtype, tensor.quant)
        np.testing.assert_array_equal(other.data, tensor.data)
    assert export_tflite(again) == export_tflite(graph)


def test_equal_graphs_give_equal_bytes(graph):
    float_graph = convolutional()
    again = quantize(float_graph, data_for(float_graph), INT8)
    assert export_tflite(again) == export_tflite(graph)


def test_constants_are_aligned(graph):
    data = export_tflite(graph)
    model = schema.Model.GetRootAs(data, 0)
    filled = [b for b in map(model.Buffers, range(model.BuffersLength())) if b.DataLength()]
    # the new shape of the RESHAPE is one more
    assert len(filled) == sum(t.is_constant for t in graph.tensors.values()) + 1
    for buffer in filled:
        offset = (
            buffer.DataAsNumpy().__array_interface__["data"][0]
            - np.frombuffer(data, np.uint8).__array_interface__["data"][0]
        )
        assert offset % ALIGNMENT == 0


@pytest.mark.parametrize("library", [reference.TFLITE, reference.LITERT], ids=["tflite-2.14", "litert"])
def test_float_graphs_can_be_written_too(library):
    net = Net()
    x = net.node(
        "CONV_2D",
        net.input(6, 6, 4),
        net.random(4, 3, 3, 2),
        net.random(4),
        padding=Padding.SAME,
        stride=(2, 2),
        dilation=(1, 1),
    )
    x = net.node("DEPTHWISE_CONV_2D", x, net.random(1, 2, 2, 8), net.random(8), depth_multiplier=2)
    x = net.node("RESHAPE", net.node("CONCATENATION", x, x, axis=-1), new_shape=(1, -1))
    graph = net.graph(net.node("FULLY_CONNECTED", x, net.random(3, 64), name="out"))
    data = data_for(graph, 4)
    theirs = reference.run(export_tflite(graph), [data["in0"]], library)
    np.testing.assert_allclose(theirs["out"], run(graph, data)["out"], rtol=1e-4, atol=1e-3)


def test_what_tflite_lacks_is_refused():
    odd = Tensor("x", (1, 2), DType.FLOAT16)
    with pytest.raises(ModelError, match="float16"):
        export_tflite(Graph("g", {"x": odd}, (), ("x",), ("x",)))
    unknown = Node("ATTENTION", ("x",), ("y",), loc="head")
    tensors = {name: Tensor(name, (1, 2), DType.INT8) for name in "xy"}
    with pytest.raises(ModelError, match="head: operator ATTENTION"):
        export_tflite(Graph("g", tensors, (unknown,), ("x",), ("y",)))
