"""LSTMs: which reference equals which, and what a sequence in parts gives."""

from __future__ import annotations

from dataclasses import replace

import ai_edge_litert.schema_py_generated as schema
import flatbuffers
import numpy as np
import pytest

from edgeq import importers
from edgeq.device.session import open_host
from edgeq.errors import ModelError
from edgeq.exporters.tflite import export_tflite
from edgeq.fixedpoint import Dialect
from edgeq.ir import DType, QuantParams
from edgeq.kernels import Optimize
from edgeq.lower import lower
from edgeq.ops import find_op, infer_results
from edgeq.ops.unidirectional_sequence_lstm import CELL_STATE, HIDDEN_STATE, NORMS, PROJECTION, WEIGHTS, LstmAttrs
from edgeq.simulate import simulate as simulate_program
from edgeq.target import load_cpu
from edgeq.toolchain.build import build

from ..tools import needs_host
from .cases import cases_of
from .cases.unidirectional_sequence_lstm import run_micro
from .graphs import Case
from .one_op import run_tflite
from .test_conformance import simulate
from .test_firmware import assert_equal, merge, project

OP = "UNIDIRECTIONAL_SEQUENCE_LSTM"
SEED = 31


def from_nothing(dtype: DType, count: int = 16) -> list[Case]:
    return [case for case in cases_of(OP, SEED, count, dtype) if len(case.inputs) == 1]


def test_micro_is_tflite_micro_and_differs_from_tflite():
    """Of int8; the two approximate the gates' functions in different ways."""
    differing = total = 0
    for case in from_nothing(DType.INT8):
        theirs = run_micro(case)
        for ours, expected in zip(simulate(case.graph, case.inputs, Dialect.MICRO), theirs, strict=True):
            np.testing.assert_array_equal(ours, expected, strict=True)
        tflite = simulate(case.graph, case.inputs)
        differing += int(np.sum(tflite[0] != theirs[0]))
        total += theirs[0].size
        # gates are off by up to 12 of 2^15 in TFLite
        assert np.abs(tflite[0].astype(int) - theirs[0]).max() <= 2
    assert 0 < differing < total // 10


def split(case: Case, at: int) -> list[np.ndarray]:
    """The results of a sequence's two parts, the second begun with the states of the first."""
    (node,) = case.graph.nodes
    axis = 0 if node.attrs.time_major else 1
    x = case.graph.tensors["x"]
    (vectors,) = case.inputs
    names = list(node.inputs)
    names[HIDDEN_STATE : CELL_STATE + 1] = ["h0", "c0"]
    states = [replace(case.graph.tensors[after], name=name) for after, name in (("h", "h0"), ("c", "c0"))]

    def graph_of(steps: int):
        shape = tuple(steps if a == axis else d for a, d in enumerate(x.shape))
        y = case.graph.tensors["y"]
        y = replace(y, shape=(*shape[:2], y.shape[-1]))
        part = case.graph.rewrite(tensors=[replace(x, shape=shape), y])
        return part

    parts = np.split(vectors, [at], axis=axis + 1)
    first = simulate(graph_of(parts[0].shape[axis + 1]), (parts[0],))
    later = graph_of(parts[1].shape[axis + 1])
    later = replace(
        later,
        tensors={**later.tensors, **{t.name: t for t in states}},
        nodes=(replace(node, inputs=tuple(names)),),
        inputs=("x", "h0", "c0"),
    )
    second = simulate(later, (parts[1], *first[1:]))
    return [np.concatenate([first[0], second[0]], axis + 1), *second[1:]]


@pytest.mark.parametrize("product", [None, (0.006, 3)])
def test_a_file_read_keeps_its_states_from_inference_to_inference(product, tmp_path):
    """As TFLite's interpreter does; what the output gate's product becomes is told by a tensor of its own."""
    for case in from_nothing(DType.INT8, 8):
        (node,) = case.graph.nodes
        node = replace(node, attrs=replace(node.attrs, sequences=True, product=product))
        x, y = case.graph.tensors["x"], case.graph.tensors["y"]
        y = replace(y, shape=(*x.shape[:2], y.shape[-1]))
        model = export_tflite(case.graph.rewrite([node], [y], outputs=["y"]))
        (tmp_path / "lstm.tflite").write_bytes(model)
        program = lower(importers.load(tmp_path / "lstm.tflite"), load_cpu("cortex-m4f"))
        assert len(program.states) == 2
        (ours,) = simulate_program(program, case.inputs)
        (theirs,) = run_tflite(model, case.inputs)
        np.testing.assert_array_equal(ours, theirs)


def test_the_result_may_have_another_scale_than_the_hidden_state(tmp_path):
    """As TF 2.14 writes what a concatenation reads; TFLite copies the hidden state's integers."""
    for case in from_nothing(DType.INT8, 4):
        (node,) = case.graph.nodes
        node = replace(node, attrs=replace(node.attrs, sequences=True))
        x, y = case.graph.tensors["x"], case.graph.tensors["y"]
        y = replace(y, shape=(*x.shape[:2], y.shape[-1]))
        graph = case.graph.rewrite([node], [y], outputs=["y"])
        parsed = schema.ModelT.InitFromPackedBuf(export_tflite(graph), 0)
        (written,) = parsed.subgraphs[0].outputs
        quantization = parsed.subgraphs[0].tensors[written].quantization
        quantization.scale, quantization.zeroPoint = quantization.scale * np.float32(1.25), quantization.zeroPoint + 9
        builder = flatbuffers.Builder(1024)
        builder.Finish(parsed.Pack(builder), file_identifier=b"TFL3")
        model = bytes(builder.Output())
        (tmp_path / "lstm.tflite").write_bytes(model)
        (ours,) = simulate_program(lower(importers.load(tmp_path / "lstm.tflite"), load_cpu("cortex-m4f")), case.inputs)
        np.testing.assert_array_equal(ours, run_tflite(model, case.inputs)[0])


@needs_host
@pytest.mark.parametrize("exponent", [-16, -20])
def test_cell_states_below_a_half(exponent, tmp_path):
    """TF 2.14's converter gives them such scales, for which TFLite computes no tanh: real numbers are the witness."""
    cases, largest = [], 0.0
    for case in from_nothing(DType.INT8, 24):
        (node,) = case.graph.nodes
        node = replace(node, attrs=replace(node.attrs, cell_clip=32767 * 2.0**exponent))
        c = replace(case.graph.tensors["c"], quant=QuantParams([2.0**exponent], [0]))
        case = Case(OP, case.graph.rewrite([node], [c]), case.inputs)
        cases.append(case)
        operands = [case.graph.tensors.get(name) for name in node.inputs]
        x = operands[0].quant.dequantize(case.inputs[0])
        real, *_ = find_op(OP).evaluate(node.attrs, x, *(t and t.quant.dequantize(t.data[None]) for t in operands[1:]))
        h = case.graph.tensors["h"].quant
        low, high = (h.dequantize(np.int64(end)) for end in (-128, 127))
        for dialect in (Dialect.DOUBLE, Dialect.MICRO):
            hidden = h.dequantize(simulate(case.graph, case.inputs, dialect)[0])
            largest = max(largest, float(np.abs(hidden - np.clip(real, low, high)).max()))
    assert 0.0 < largest < 0.06
    graph, inputs = merge(cases)
    program = lower(graph, load_cpu("cortex-m4f"))
    project("M4", program, tmp_path / "firmware", Optimize.SPEED)
    assert_equal(program, open_host(build(tmp_path / "firmware", "host")), inputs)


@pytest.mark.parametrize("dtype", [DType.INT8, DType.INT16])
def test_a_sequence_in_two_parts_gives_the_same(dtype):
    tried = 0
    for case in from_nothing(dtype):
        attrs = case.graph.nodes[0].attrs
        steps = case.graph.tensors["x"].shape[0 if attrs.time_major else 1]
        if steps < 2 or not attrs.sequences:
            continue
        tried += 1
        for ours, expected in zip(split(case, steps // 2), simulate(case.graph, case.inputs), strict=True):
            np.testing.assert_array_equal(ours, expected)
    assert tried > 1


@pytest.mark.parametrize(("dtype", "off"), [(DType.INT8, 0.06), (DType.INT16, 0.005)])
def test_floats_and_integers_mean_the_same(dtype, off):
    """Where the cell state stays within its range; a step of int8 is 1/128 in the median."""
    largest = 0.0
    for case in cases_of(OP, SEED, 40, dtype):
        (node,) = case.graph.nodes
        if case.graph.tensors["c"].quant.scale[0] < 2.0**-12:
            continue
        values = dict(zip(case.graph.inputs, case.inputs, strict=True))
        operands = [case.graph.tensors.get(name) for name in node.inputs]
        reals = [
            t and t.quant.dequantize(values.get(t.name, t.data if t.data is None else t.data[None])) for t in operands
        ]
        real = find_op(OP).evaluate(node.attrs, *reals)
        low, high = (case.graph.tensors["h"].quant.dequantize(np.int64(end)) for end in dtype.range)
        hidden = case.graph.tensors["h"].quant.dequantize(simulate(case.graph, case.inputs)[0])
        if low < real[0].min() and real[0].max() < high:
            largest = max(largest, float(np.abs(hidden - real[0]).max()))
    assert 0.0 < largest < off


@pytest.mark.parametrize(
    ("place", "message"),
    [(9, "peephole"), (PROJECTION[0], "projection"), (NORMS[0], "layer normalization"), (HIDDEN_STATE, "states")],
)
def test_variants_are_refused_by_name(place, message):
    (case, *_) = from_nothing(DType.INT8)
    operands = list(case.graph.operands(case.graph.nodes[0])) + [None] * 4
    operands[place] = case.graph.tensors["b0"]
    with pytest.raises(ModelError, match=message):
        infer_results(find_op(OP), LstmAttrs(), tuple(operands))


def test_coupled_gates_are_refused_by_name():
    (case, *_) = from_nothing(DType.INT8)
    operands = list(case.graph.operands(case.graph.nodes[0]))
    operands[WEIGHTS] = None
    with pytest.raises(ModelError, match="coupled"):
        infer_results(find_op(OP), LstmAttrs(), tuple(operands))
