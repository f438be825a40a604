"""The simulator equals TFLite's reference interpreter on real models: every layer's tensor, every element."""

from __future__ import annotations

import numpy as np
import pytest

from edgeq.api import compile_graph, load_model, quantize_model
from edgeq.fixedpoint import Dialect
from edgeq.passes.shrink_channels import shrink_channels
from edgeq.simulate import simulate, trace, trace_in_arena
from edgeq.target import load_board
from edgeq.vectors import to_integers
from edgeq.verify import random_vectors
from tests import reference
from tests.e2e.zoo import INT8_MODELS, ad_windows, int8_model, needs_zoo

pytestmark = needs_zoo
VECTORS = 100
CPU = load_board("mps2-an386").soc.cpu


def compiled(name: str, dialect: Dialect = Dialect.DOUBLE):
    graph, _ = quantize_model(load_model(int8_model(name)), None)
    return compile_graph(graph, CPU, dialect)


def assert_every_tensor_equal(program, inputs, expected) -> None:
    compared = 0
    for call, results in trace(program, inputs):
        for name, result in zip(call.outputs, results, strict=True):
            assert np.array_equal(result, expected[name].reshape(result.shape)), f"{call.name}: {name}"
            compared += 1
    assert compared == len(program.calls) > 0


@pytest.mark.parametrize("name", INT8_MODELS)
def test_simulator_equals_tflite_reference(name):
    program = compiled(name).program
    inputs = random_vectors(program, VECTORS)
    assert_every_tensor_equal(program, inputs, reference.run(int8_model(name).read_bytes(), inputs))


@pytest.mark.parametrize("name", INT8_MODELS)
def test_the_shrunk_program_has_the_reference_outputs(name):
    """What `build` compiles by default: without channels that no output depends on."""
    graph, _ = quantize_model(load_model(int8_model(name)), None)
    program = compile_graph(shrink_channels(graph), CPU).program
    inputs = random_vectors(program, VECTORS)
    expected = reference.run(int8_model(name).read_bytes(), inputs)
    for output, result in zip(program.outputs, simulate(program, inputs), strict=True):
        assert np.array_equal(result, expected[output].reshape(result.shape))


def ad_inputs(program):
    return (to_integers(program.tensors[program.inputs[0]], ad_windows(), "ad"),)


def test_simulator_equals_tflite_reference_on_real_frames():
    program = compiled("ad").program
    inputs = ad_inputs(program)
    assert_every_tensor_equal(program, inputs, reference.run(int8_model("ad").read_bytes(), inputs))


def test_litert_dialect_equals_litert_reference_and_differs_from_the_default():
    program = compiled("ad", Dialect.LITERT).program
    inputs = ad_inputs(program)
    expected = reference.run(int8_model("ad").read_bytes(), inputs, reference.LITERT)
    assert_every_tensor_equal(program, inputs, expected)
    assert not np.array_equal(simulate(program, inputs)[0], simulate(compiled("ad").program, inputs)[0])


@pytest.mark.parametrize("name", INT8_MODELS)
def test_tensors_survive_in_the_planned_arena(name):
    """Dead memory is overwritten before every call: a plan that lets live tensors overlap fails here."""
    model = compiled(name)
    inputs = random_vectors(model.program, 1, seed=5)
    for (call, plain), (_, planned) in zip(
        trace(model.program, inputs), trace_in_arena(model.program, model.plan, inputs), strict=True
    ):
        assert all(np.array_equal(a, b) for a, b in zip(plain, planned, strict=True)), call.name


@pytest.mark.parametrize(
    ("name", "limit"), [("kws", 9 * 1024), ("resnet8", 34 * 1024), ("vww", 37 * 1024 + 512), ("ad", 900)]
)
def test_results_follow_their_operands_through_the_arena(name, limit):
    """Bare calls with a plan that keeps tensors apart need 16,752, 54,528, 56,320 and 896 bytes."""
    plan = compiled(name).plan
    assert plan.lower_bound <= plan.total_bytes <= min(limit, 1.02 * plan.lower_bound)
