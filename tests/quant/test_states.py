"""Quantizing a model with states: calibration is one sequence, and a state shares its scale with its new value."""

from __future__ import annotations

import numpy as np
import pytest

from edgeq import api
from edgeq.exporters.tflite import export_tflite
from edgeq.ir import DType, Graph, Node, State, Tensor, frozen_array, verify_graph
from edgeq.ops import find_op
from edgeq.passes import prepare_float, prepare_quantized
from edgeq.quant import evaluate
from edgeq.quant.observers import observe
from edgeq.quant.quantize import quantize
from edgeq.quant.schemes import SCHEMES
from edgeq.simulate import simulate
from edgeq.target import load_cpu
from tests.ops.one_op import run_tflite

UNITS = 6


def leaky_network(seed: int = 0) -> Graph:
    """A dense layer, a leaky sum of its results over time, and a dense layer on that: a recurrent network by hand."""
    rng = np.random.default_rng(seed)

    def constant(name: str, *shape: int, size: float = 1.0) -> Tensor:
        return Tensor(name, shape, DType.FLOAT32, data=frozen_array(size * rng.normal(size=shape), np.float32))

    decay = Tensor("decay", (1,), DType.FLOAT32, data=frozen_array([0.75], np.float32))
    constants = [constant("w1", UNITS, 4), constant("b1", UNITS, size=0.1), constant("w2", 3, UNITS)]
    constants += [constant("b2", 3, size=0.1), decay]
    names = {"x": 4, "now": UNITS, "memory": UNITS, "faded": UNITS, "sum": UNITS, "y": 3}
    tensors = [*constants, *(Tensor(name, (1, size), DType.FLOAT32) for name, size in names.items())]

    def node(op: str, operands: tuple[str, ...], y: str) -> Node:
        return Node(op, operands, (y,), find_op(op).Attrs(), y)

    nodes = (
        node("FULLY_CONNECTED", ("x", "w1", "b1"), "now"),
        node("MUL", ("memory", "decay"), "faded"),
        node("ADD", ("faded", "now"), "sum"),
        node("FULLY_CONNECTED", ("sum", "w2", "b2"), "y"),
    )
    states = (State("memory", "sum", np.full((1, UNITS), 0.5, np.float32)),)
    graph = Graph("leaky", {t.name: t for t in tensors}, nodes, ("x",), ("y",), states=states)
    return prepare_float(verify_graph(graph, "test"))


def sequence(count: int = 150, seed: int = 1) -> np.ndarray:
    steps = np.random.default_rng(seed).normal(size=(count, 1, 4))
    return (0.8 + steps).astype(np.float32)


def in_numpy(graph: Graph, x: np.ndarray) -> np.ndarray:
    data = {name: t.data.astype(np.float64) for name, t in graph.tensors.items() if t.is_constant}
    memory, rows = np.full((1, UNITS), 0.5), []
    for vector in x:
        memory = 0.75 * memory + vector @ data["w1"].T + data["b1"]
        rows.append(memory @ data["w2"].T + data["b2"])
    return np.stack(rows)


def test_float_vectors_are_one_sequence_across_batches(monkeypatch):
    graph, x = leaky_network(), sequence()
    monkeypatch.setattr(evaluate, "BATCH_BYTES", 20_000)
    assert evaluate.batch_size(graph) < len(x)
    np.testing.assert_allclose(evaluate.run(graph, {"x": x})["y"], in_numpy(graph, x), rtol=1e-4, atol=1e-4)


def test_ranges_are_those_of_the_sequence():
    """Taken apart, the vectors would never leave the neighbourhood of the reset value."""
    graph, x = leaky_network(), sequence()
    low, high = observe(graph, {"x": x}).ranges["memory"]
    alone = [observe(graph, {"x": x[i : i + 1]}).ranges["memory"] for i in range(3)]
    assert all(a == (0.5, 0.5) for a in alone)
    assert low < -2 or high > 2


# a moving average of the extremes saturates on purpose
@pytest.mark.parametrize("scheme", sorted(n for n, s in SCHEMES.items() if s.calibrated and n != "moving-average"))
def test_every_scheme_follows_the_float_model_through_a_sequence(scheme):
    graph, x = leaky_network(), sequence()
    integer = prepare_quantized(quantize(graph, {"x": x}, SCHEMES[scheme]))
    memory = integer.states[0]
    read, written = integer.tensors[memory.read], integer.tensors[memory.written]
    assert read.quant == written.quant and read.dtype is written.dtype
    np.testing.assert_allclose(read.quant.dequantize(memory.initial), 0.5, atol=float(read.quant.scale[0]))
    program = api.compile_graph(integer, load_cpu("cortex-m4f")).program
    (name,) = integer.inputs
    (ours,) = simulate(program, [integer.tensors[name].quant.quantize(x, integer.tensors[name].dtype)])
    real, wanted = integer.tensors["y"].quant.dequantize(ours), in_numpy(graph, x)
    noise, signal = np.square(real - wanted).mean(), np.square(wanted).mean()
    assert 10 * np.log10(signal / noise) > 20


def test_the_exported_model_computes_the_same_sequence():
    """The witness is TFLite's interpreter, which keeps the state in a resource variable."""
    integer = prepare_quantized(quantize(leaky_network(), {"x": sequence()}, SCHEMES["int8"]))
    x = integer.tensors["x"].quant.quantize(sequence(40, seed=5), DType.INT8)
    (ours,) = simulate(api.compile_graph(integer, load_cpu("cortex-m4f")).program, [x])
    theirs = run_tflite(export_tflite(integer), [x])
    np.testing.assert_array_equal(ours, theirs[0])


def test_a_state_takes_the_fixed_scale_of_its_new_value():
    """Two states with fixed scales, read together: a concatenation requantizes its operands, the states keep theirs."""
    names = {"x": 4, "old": 4, "new": 4, "older": 4, "gate": 4, "seen": 8}
    tensors = [Tensor(name, (1, size), DType.FLOAT32) for name, size in names.items()]
    nodes = (
        Node("SOFTMAX", ("x",), ("new",), find_op("SOFTMAX").Attrs(), "new"),
        Node("TANH", ("x",), ("gate",), None, "gate"),
        Node("CONCATENATION", ("older", "old"), ("seen",), find_op("CONCATENATION").Attrs(axis=-1), "seen"),
    )
    zero = np.zeros((1, 4), np.float32)
    states = (State("old", "new", zero), State("older", "gate", zero))
    graph = Graph("two", {t.name: t for t in tensors}, nodes, ("x",), ("seen",), states=states)
    integer = quantize(verify_graph(graph, "test"), {"x": sequence()}, SCHEMES["int8"])
    assert integer.tensors["old"].quant.per_tensor == (1 / 256, -128)
    assert integer.tensors["older"].quant.per_tensor == (1 / 128, 0)
    assert [int(state.initial[0, 0]) for state in integer.states] == [-128, 0]
