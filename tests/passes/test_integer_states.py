"""States that a converter left real between DEQUANTIZE and QUANTIZE become integers, where that changes nothing."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from edgeq.compiling import compile_graph, is_quantized
from edgeq.exporters.tflite import export_tflite
from edgeq.ir import DType, Graph, Node, QuantParams, State, Tensor, verify_graph
from edgeq.ops import find_op
from edgeq.passes import prepare_quantized
from edgeq.passes.integer_states import integer_states
from edgeq.simulate import simulate
from edgeq.target import load_cpu
from tests.ops.one_op import run_tflite

Q = QuantParams([0.37], [-5])


def leaky_sum() -> Graph:
    """y = total ← total + x in int8; the total is kept as a real number."""
    tensors = [Tensor(name, (1, 4), DType.INT8, Q) for name in ("x", "old", "y")]
    tensors += [Tensor(name, (1, 4), DType.FLOAT32) for name in ("total", "new")]
    nodes = (
        Node("QUANTIZE", ("total",), ("old",), find_op("QUANTIZE").Attrs(), "quantize"),
        Node("ADD", ("old", "x"), ("y",), find_op("ADD").Attrs(), "add"),
        Node("DEQUANTIZE", ("y",), ("new",), find_op("DEQUANTIZE").Attrs(), "dequantize"),
    )
    states = (State("total", "new", np.float32([[1.0, -2.5, 0.2, 60.0]])),)
    graph = Graph("sum", {t.name: t for t in tensors}, nodes, ("x",), ("y",), states=states)
    return verify_graph(graph, "test")


def test_it_computes_what_the_interpreter_computes_with_real_states():
    graph = leaky_sum()
    assert is_quantized(graph)
    x = np.random.default_rng(0).integers(-60, 60, (9, 1, 4), np.int8)
    integer = prepare_quantized(graph)
    assert [node.op for node in integer.nodes] == ["ADD"]
    (ours,) = simulate(compile_graph(integer, load_cpu("cortex-m4f")).program, [x])
    np.testing.assert_array_equal(ours, run_tflite(export_tflite(graph), [x])[0])


@pytest.mark.parametrize("what", ["another scale", "a real output"])
def test_a_state_whose_real_value_matters_is_left_alone(what):
    graph = leaky_sum()
    if what == "another scale":
        other = replace(graph.tensors["old"], quant=QuantParams([0.5], [0]))
        graph = replace(graph, tensors={**graph.tensors, "old": other})
    else:
        graph = replace(graph, outputs=("y", "total"))
    assert integer_states(graph) is graph
