"""Variables of TFLite files: read as states that compute what the interpreter computes, or refused with a reason."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import ai_edge_litert.schema_py_generated as schema
import flatbuffers
import numpy as np
import pytest

from edgeq import api, importers
from edgeq.errors import ModelError
from edgeq.exporters.tflite import export_tflite
from edgeq.ir import Graph
from edgeq.lower import check_supported
from edgeq.passes import prepare_quantized
from edgeq.simulate import simulate
from edgeq.target import load_cpu
from tests.ops.one_op import run_tflite
from tests.test_states import MACHINES, Machine, each_machine, expected, vectors


def written(machine: Machine, tmp_path: Path) -> Path:
    path = tmp_path / "model.tflite"
    path.write_bytes(export_tflite(machine.graph))
    return path


def unpacked(path: Path) -> schema.ModelT:
    return schema.ModelT.InitFromPackedBuf(path.read_bytes(), 0)


def repacked(model: schema.ModelT, path: Path) -> Path:
    builder = flatbuffers.Builder(1 << 12)
    builder.Finish(model.Pack(builder), b"TFL3")
    path.write_bytes(bytes(builder.Output()))
    return path


def outputs(graph: Graph, x: np.ndarray) -> tuple[np.ndarray, ...]:
    return simulate(api.compile_graph(prepare_quantized(graph), load_cpu("cortex-m4f")).program, [x])


def operator_names(model: schema.ModelT, subgraph: int = 0) -> list[str]:
    names = {value: name for name, value in vars(schema.BuiltinOperator).items() if isinstance(value, int)}
    return [names[model.operatorCodes[o.opcodeIndex].builtinCode] for o in model.subgraphs[subgraph].operators]


@each_machine
def test_a_file_with_resource_variables_computes_what_the_interpreter_computes(machine, tmp_path):
    path, x = written(machine, tmp_path), vectors()
    theirs = run_tflite(path.read_bytes(), [x])
    for ours, given, wanted in zip(outputs(importers.load(path), x), theirs, expected(machine, x), strict=True):
        np.testing.assert_array_equal(given, wanted)
        np.testing.assert_array_equal(ours, wanted)


def test_initial_values_come_from_the_subgraph_that_runs_once(tmp_path):
    graph = importers.load(written(MACHINES["delay_line"], tmp_path))
    assert {state.read: int(state.initial[0, 0]) for state in graph.states} == {"a": 1, "b": 2, "c": 3}


def test_a_variable_that_is_read_again_has_its_new_value(tmp_path):
    """READ, ADD, ASSIGN, READ: the second read is moved behind the assignment, and is the output."""
    path = written(MACHINES["accumulator"], tmp_path)
    model = unpacked(path)
    main = model.subgraphs[0]
    read = next(o for o, name in zip(main.operators, operator_names(model), strict=True) if name == "READ_VARIABLE")
    again = schema.TensorT(shape=[1, 4], type=schema.TensorType.INT8, name="again", buffer=0)
    again.quantization = schema.QuantizationParametersT(scale=[1.0], zeroPoint=[0])
    main.tensors.append(again)
    main.operators.append(
        schema.OperatorT(opcodeIndex=read.opcodeIndex, inputs=list(read.inputs), outputs=[len(main.tensors) - 1])
    )
    main.outputs = [len(main.tensors) - 1]
    path, x = repacked(model, tmp_path / "again.tflite"), vectors()
    theirs = run_tflite(path.read_bytes(), [x])
    graph = importers.load(path)
    assert graph.outputs == ("again",)
    np.testing.assert_array_equal(outputs(graph, x)[0], theirs[0])
    np.testing.assert_array_equal(outputs(graph, x)[0], expected(MACHINES["accumulator"], x)[0])


def test_one_tensor_may_be_an_output_twice(tmp_path):
    model = unpacked(written(MACHINES["accumulator"], tmp_path))
    main = model.subgraphs[0]
    main.outputs = list(main.outputs) * 2
    graph = importers.load(repacked(model, tmp_path / "twice.tflite"))
    assert graph.outputs == ("sum", "sum")
    project = api.build(graph, "mps2-an386", out=tmp_path / "firmware", compile=False)
    shown = project.simulate(vectors())
    assert list(shown) == ["sum", "sum_2"]
    np.testing.assert_array_equal(shown["sum"], shown["sum_2"])


def test_further_subgraphs_and_signatures_are_left_alone(tmp_path):
    path = written(MACHINES["accumulator"], tmp_path)
    model = unpacked(path)
    other = schema.SubGraphT(tensors=[], inputs=[], outputs=[], operators=[], name="unused")
    model.subgraphs.append(other)
    model.signatureDefs = [
        schema.SignatureDefT(inputs=[], outputs=[], signatureKey=key, subgraphIndex=index)
        for key, index in (("serving_default", 0), ("other", 2))
    ]
    x = vectors()
    ours = outputs(importers.load(repacked(model, tmp_path / "several.tflite")), x)
    np.testing.assert_array_equal(ours[0], expected(MACHINES["accumulator"], x)[0])


def without_first(model: schema.ModelT, name: str) -> schema.ModelT:
    operators = model.subgraphs[0].operators
    del operators[operator_names(model).index(name)]
    return model


def test_a_variable_without_a_value_at_first_is_refused(tmp_path):
    model = without_first(unpacked(written(MACHINES["accumulator"], tmp_path)), "CALL_ONCE")
    with pytest.raises(ModelError, match="'total' is read, and nothing gives it a value"):
        importers.load(repacked(model, tmp_path / "broken.tflite"))


def test_an_unknown_handle_is_refused(tmp_path):
    model = without_first(unpacked(written(MACHINES["accumulator"], tmp_path)), "VAR_HANDLE")
    with pytest.raises(ModelError, match="without the handle"):
        importers.load(repacked(model, tmp_path / "broken.tflite"))


@pytest.mark.parametrize("name", ["READ_VARIABLE", "ASSIGN_VARIABLE"])
def test_damaged_operands_are_refused(name, tmp_path):
    model = unpacked(written(MACHINES["accumulator"], tmp_path))
    operator = model.subgraphs[0].operators[operator_names(model).index(name)]
    if name == "READ_VARIABLE":
        operator.outputs = []
    else:
        operator.inputs = [operator.inputs[0], -1]
    with pytest.raises(ModelError, match="other operands or results"):
        importers.load(repacked(model, tmp_path / "broken.tflite"))


def test_a_huge_variable_tensor_is_refused_before_it_takes_memory(tmp_path):
    model = unpacked(written(MACHINES["accumulator"], tmp_path))
    main = model.subgraphs[0]
    at = main.operators[operator_names(model).index("ADD")].inputs[1]
    main.tensors[at].isVariable = True
    main.tensors[at].shape = [1 << 15, 1 << 15]
    with pytest.raises(ModelError, match="1,073,741,824 elements"):
        importers.load(repacked(model, tmp_path / "huge.tflite"))


def test_an_initialisation_by_an_input_is_refused(tmp_path):
    model = unpacked(written(MACHINES["accumulator"], tmp_path))
    model.subgraphs[1].tensors[-1].buffer = 0
    with pytest.raises(ModelError, match="something else than constants"):
        importers.load(repacked(model, tmp_path / "broken.tflite"))


@pytest.mark.parametrize("number", [-1, 0, 7])
def test_a_subgraph_that_does_not_exist_is_refused(number, tmp_path):
    model = unpacked(written(MACHINES["accumulator"], tmp_path))
    model.subgraphs[0].operators[0].builtinOptions.initSubgraphIndex = number
    with pytest.raises(ModelError, match="CALL_ONCE"):
        importers.load(repacked(model, tmp_path / "broken.tflite"))


def test_a_value_of_another_scale_is_refused(tmp_path):
    model = unpacked(written(MACHINES["accumulator"], tmp_path))
    tensor = next(t for t in model.subgraphs[0].tensors if t.name == b"sum")
    tensor.quantization.scale = [2.0]
    with pytest.raises(ModelError, match="another type, scale or zero point"):
        importers.load(repacked(model, tmp_path / "broken.tflite"))


def test_a_handle_among_the_outputs_is_refused(tmp_path):
    model = unpacked(written(MACHINES["accumulator"], tmp_path))
    main = model.subgraphs[0]
    handle = next(i for i, t in enumerate(main.tensors) if t.type == schema.TensorType.RESOURCE)
    main.outputs = [*main.outputs, handle]
    with pytest.raises(ModelError, match="handed in or out"):
        importers.load(repacked(model, tmp_path / "broken.tflite"))


@pytest.mark.parametrize(("op", "way"), [("WHILE", "unroll"), ("IF", "tf.where"), ("ABS", "inspect")])
def test_control_flow_is_refused_with_a_way_out(op, way, tmp_path):
    model = unpacked(written(MACHINES["accumulator"], tmp_path))
    at = operator_names(model).index("ADD")
    code = model.operatorCodes[model.subgraphs[0].operators[at].opcodeIndex]
    unknown = getattr(schema.BuiltinOperator, op if op != "ABS" else "SPARSE_TO_DENSE")
    code.builtinCode, code.deprecatedBuiltinCode = unknown, min(unknown, 127)
    graph = importers.load(repacked(model, tmp_path / "loop.tflite"))
    with pytest.raises(ModelError, match="unsupported operators") as caught:
        check_supported(graph)
    assert way in caught.value.hint


def test_inspect_shows_states(tmp_path):
    found = api.inspect(written(MACHINES["shift_register"], tmp_path))
    assert found["states"] == [{"name": "window", "shape": [1, 12], "type": "int8", "bytes": 12}]
    assert found["unsupported"] == []


def test_a_state_that_operators_share_is_a_resource():
    """An exported file names no variable tensor where the graph has no operator of its own for it."""
    model = schema.ModelT.InitFromPackedBuf(export_tflite(replace(MACHINES["accumulator"].graph, name="m")), 0)
    assert not any(t.isVariable for t in model.subgraphs[0].tensors)
    assert operator_names(model) == ["CALL_ONCE", "VAR_HANDLE", "READ_VARIABLE", "ADD", "ASSIGN_VARIABLE"]
    assert operator_names(model, 1) == ["VAR_HANDLE", "ASSIGN_VARIABLE"]
