"""SVDF beyond its conformance cases: where its state lives, and what is refused."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from edgeq.api import compile_graph
from edgeq.errors import QuantizationError
from edgeq.fixedpoint import Dialect
from edgeq.ir import DType, Graph, QuantParams, Tensor
from edgeq.kernels import find_kernel
from edgeq.lower import lower
from edgeq.ops import Activation, find_op
from edgeq.passes import prepare_quantized
from edgeq.simulate import reset, simulate, trace_in_arena
from edgeq.target import load_cpu

from .cases import cases_of

M4 = load_cpu("cortex-m4f")
CASES = cases_of("SVDF", 9, 8)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.graph.name)
def test_the_state_is_updated_where_it_lives(case):
    """No copy, and the planned arena carries it from one inference to the next."""
    model = compile_graph(prepare_quantized(case.graph), M4)
    (call,) = model.program.calls
    assert find_kernel(call.kernel).updates == ((1, 1),)
    assert model.program.storage(call.outputs[1]) == "state"
    (wanted,) = simulate(model.program, list(case.inputs))
    memory = reset(model.program)
    for x, y in zip(case.inputs[0], wanted, strict=True):
        ((_, results),) = trace_in_arena(model.program, model.plan, [x[np.newaxis]], memory=memory)
        np.testing.assert_array_equal(results[0][0], y)


def test_a_state_that_something_else_reads_is_updated_in_a_copy():
    """The old state is an output too: the kernel gets a copy to work on."""
    case = CASES[0]
    shown = case.graph.rewrite(outputs=("y", "state"))
    program = lower(shown, M4)
    assert [call.op for call in program.calls] == ["READ_VARIABLE", "SVDF", "READ_VARIABLE", "ASSIGN_VARIABLE"]
    (y, state), (alone,) = simulate(program, list(case.inputs)), simulate(lower(case.graph, M4), list(case.inputs))
    np.testing.assert_array_equal(y, alone)
    assert not state[0].any() and state[1].any()


def refused(graph: Graph, what: str) -> None:
    (node,) = graph.nodes
    with pytest.raises(QuantizationError, match=what):
        find_op("SVDF").lower(node, graph, Dialect.DOUBLE)


def with_tensor(graph: Graph, name: str, **changes) -> Graph:
    return replace(graph, tensors={**graph.tensors, name: replace(graph.tensors[name], **changes)})


def test_what_its_integers_do_not_allow_is_refused():
    graph = CASES[0].graph
    (node,) = graph.nodes
    other = replace(node, attrs=replace(node.attrs, activation=Activation.RELU6))
    refused(replace(graph, nodes=(other,)), "no activation relu6")
    scale = float(graph.tensors["state"].quant.scale[0])
    refused(with_tensor(graph, "state", quant=QuantParams([scale], [3])), "zero point 0")
    time = graph.tensors["time"]
    wide = Tensor("time", time.shape, DType.INT32, time.quant, time.data.astype(np.int32))
    refused(replace(graph, tensors={**graph.tensors, "time": wide}), "weights in time are int32")


def test_a_float_one_is_not_quantized():
    (node,) = CASES[0].graph.nodes
    with pytest.raises(QuantizationError, match="does not quantize a float SVDF"):
        find_op("SVDF").quant_rule(node.attrs)
