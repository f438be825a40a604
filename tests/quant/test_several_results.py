"""Operators with several results go through calibration, quantization, memory planning, export and firmware."""

from __future__ import annotations

import numpy as np

from edgeq.api import compile_graph
from edgeq.device.session import open_host
from edgeq.emit import emit, write_files
from edgeq.exporters.tflite import export_tflite
from edgeq.ir import DType, Graph, Node, Tensor
from edgeq.ops import find_op
from edgeq.quant.quantize import quantize
from edgeq.quant.schemes import INT8
from edgeq.simulate import simulate, trace, trace_in_arena
from edgeq.target import load_board
from edgeq.toolchain.build import build
from edgeq.verify import verify_on
from tests import reference
from tests.passes.net import Net
from tests.tools import needs_host

from .test_quantize import data_for


def _branching() -> Graph:
    """A layer whose halves take ways of their own; one of three parts is never read, another is an output."""
    net = Net()
    x = net.node("FULLY_CONNECTED", net.input(10), net.random(12, 10), net.random(12))
    halves = _split(net, "SPLIT", (net.constant([1], np.int32), x), num_splits=2)
    left = net.node("FULLY_CONNECTED", halves[0], net.random(6, 6), net.random(6))
    joined = net.node("ADD", left, net.node("GELU", halves[1]))
    parts = _split(
        net, "SPLIT_V", (joined, net.constant([1, 2, 3], np.int32), net.constant([1], np.int32)), num_splits=3
    )
    return net.graph(net.node("FULLY_CONNECTED", parts[2], net.random(4, 3), net.random(4)), parts[1])


def _split(net: Net, op: str, inputs: tuple[str, ...], **attrs: int) -> tuple[str, ...]:
    values = find_op(op).Attrs(**attrs)
    shapes = find_op(op).infer(values, *(net.tensors[i] for i in inputs))
    names = tuple(f"{op.lower()}_{i}" for i in range(len(shapes)))
    net.tensors.update({n: Tensor(n, s, DType.FLOAT32) for n, s in zip(names, shapes, strict=True)})
    net.nodes.append(Node(op, inputs, names, values, op.lower()))
    return names


@needs_host
def test_every_stage_copes(tmp_path) -> None:
    float_graph = _branching()
    graph = quantize(float_graph, data_for(float_graph), INT8)
    board = load_board("mps2-an386")
    model = compile_graph(graph, board.soc.cpu)
    inputs = [np.random.default_rng(4).integers(-128, 128, (9, 1, 10)).astype(np.int8)]
    ours = simulate(model.program, inputs)
    theirs = reference.run(export_tflite(graph), inputs)
    for name, y in zip(graph.outputs, ours, strict=True):
        np.testing.assert_array_equal(y, theirs[name])
    one = [x[:1] for x in inputs]
    free, planned = trace(model.program, one), trace_in_arena(model.program, model.plan, one)
    for (_, results), (_, in_arena) in zip(free, planned, strict=True):
        for y, z in zip(results, in_arena, strict=True):
            np.testing.assert_array_equal(z, y)
    write_files(emit(model.program, model.plan, board), tmp_path)
    with open_host(build(tmp_path, "host")) as session:
        assert verify_on(model.program, session, inputs, "host").equal
