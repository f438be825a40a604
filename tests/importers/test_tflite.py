"""What the TFLite importer refuses, and what it makes of names and shapes.

That it reads every operator rightly is shown by the conformance test, which imports each file it writes.
"""

from __future__ import annotations

from dataclasses import replace

import ai_edge_litert.schema_py_generated as schema
import flatbuffers
import numpy as np
import pytest

from edgeq import api
from edgeq.errors import ModelError
from edgeq.importers import tflite
from edgeq.importers.tflite.names import layer_name
from edgeq.ir import QuantParams
from tests.ops.cases import cases_of, module_of
from tests.ops.one_op import write_model


def model(op: str = "RELU") -> schema.ModelT:
    """A good one-operator file, parsed, to be changed."""
    (case,) = cases_of(op, seed=1, count=1)
    return schema.ModelT.InitFromPackedBuf(write_model(case.graph, module_of(op).options), 0)


def write(parsed: schema.ModelT, path) -> None:
    builder = flatbuffers.Builder(1024)
    builder.Finish(parsed.Pack(builder), file_identifier=b"TFL3")
    path.write_bytes(bytes(builder.Output()))


@pytest.fixture
def path(tmp_path):
    return tmp_path / "model.tflite"


def test_the_unchanged_file_loads(path):
    write(model(), path)
    assert [node.op for node in tflite.load(path).nodes] == ["RELU"]


def test_every_unsupported_operator_is_named_at_once(path):
    parsed = model()
    graph = parsed.subgraphs[0]
    second = schema.OperatorT()
    second.opcodeIndex = 1
    second.inputs, graph.operators[0].outputs = list(graph.operators[0].outputs), list(graph.operators[0].outputs)
    tensor = schema.TensorT()
    tensor.name, tensor.shape, tensor.type = "last", graph.tensors[second.inputs[0]].shape, schema.TensorType.INT8
    graph.tensors.append(tensor)
    second.outputs = graph.outputs = [len(graph.tensors) - 1]
    graph.operators.append(second)
    parsed.operatorCodes[0].builtinCode = schema.BuiltinOperator.CONV_3D
    parsed.operatorCodes[0].deprecatedBuiltinCode = 127
    custom = schema.OperatorCodeT()
    custom.builtinCode = custom.deprecatedBuiltinCode = schema.BuiltinOperator.CUSTOM
    custom.customCode = "SecretSauce"
    parsed.operatorCodes.append(custom)
    write(parsed, path)
    with pytest.raises(ModelError, match=r"CONV_3D .*SecretSauce"):
        api.quantize_model(tflite.load(path), None)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda m: setattr(m.subgraphs[0].operators[0], "inputs", [99]), "refers to tensor 99"),
        (lambda m: setattr(m.subgraphs[0].operators[0], "inputs", [-1]), "lacks operand 0"),
        (lambda m: setattr(m.subgraphs[0].operators[0], "inputs", []), "has 0 operands"),
        (lambda m: setattr(m.subgraphs[0].operators[0], "outputs", []), "no outputs"),
        (
            lambda m: setattr(m.subgraphs[0].operators[0], "outputs", m.subgraphs[0].operators[0].inputs),
            "defined twice",
        ),
        (lambda m: setattr(m.subgraphs[0].operators[0], "opcodeIndex", 7), "operator code 7 does not exist"),
        (lambda m: setattr(m.subgraphs[0].tensors[0], "shape", [3, 5, 7]), "declares results of shape"),
        (lambda m: setattr(m.subgraphs[0].tensors[0], "shape", [-4]), "negative dimension"),
        (lambda m: setattr(m.subgraphs[0].tensors[0], "shape", [1] * 9), "dimensions"),
        (lambda m: setattr(m.subgraphs[0].tensors[0], "shape", [1 << 30, 1 << 30]), "elements"),
        (lambda m: setattr(m.subgraphs[0].tensors[0], "type", schema.TensorType.STRING), "STRING"),
        (lambda m: setattr(m.subgraphs[0].tensors[0], "buffer", 4_000), "buffer 4000 does not exist"),
        (lambda m: setattr(m.subgraphs[0].tensors[0].quantization, "scale", [0.0]), "not a positive finite number"),
        (lambda m: setattr(m.subgraphs[0].tensors[0].quantization, "scale", [float("nan")]), "not a positive"),
        (lambda m: setattr(m, "version", 2), "schema version 2"),
        (lambda m: setattr(m, "subgraphs", []), "no subgraph"),
    ],
)
def test_inconsistent_files_are_refused_with_the_reason(change, says, path):
    parsed = model()
    change(parsed)
    write(parsed, path)
    with pytest.raises(ModelError, match=says) as caught:
        tflite.load(path)
    assert caught.value.where.startswith(str(path))


def test_zero_points_of_single_units_which_tflite_disregards_are_refused(path):
    case = next(c for c in cases_of("FULLY_CONNECTED", 1, 20) if c.graph.tensors["w"].quant.axis == 0)
    w = case.graph.tensors["w"]
    for zeros, refused in ((np.zeros(w.shape[0]), False), (np.arange(w.shape[0]), True)):
        quant = QuantParams(w.quant.scale, zeros, 0)
        graph = case.graph.rewrite(tensors=[replace(w, quant=quant)])
        path.write_bytes(write_model(graph, module_of(case.op).options))
        if refused:
            with pytest.raises(ModelError, match="a zero point for each unit, which TFLite disregards"):
                tflite.load(path)
        else:
            tflite.load(path)


def test_everything_unsupported_is_named_at_once_with_a_way_out(path):
    parsed = model("ADD")
    tensors = parsed.subgraphs[0].tensors
    while len(tensors) < 4:
        tensors.append(schema.TensorT(shape=[4], name=f"more{len(tensors)}"))
    names = ["words", "thin", "blocks", "double"]
    for tensor, name in zip(tensors, names, strict=False):
        tensor.name = name
    tensors[0].type = schema.TensorType.STRING
    tensors[1].sparsity = schema.SparsityParametersT(traversalOrder=[0], blockMap=[], dimMetadata=[])
    tensors[2].quantization = schema.QuantizationParametersT(
        detailsType=schema.QuantizationDetails.BlockwiseQuantization,
        details=schema.BlockwiseQuantizationT(blockSize=32),
    )
    tensors[3].type = schema.TensorType.FLOAT64
    code = parsed.operatorCodes[0]
    code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.CUSTOM
    code.customCode = "FlexErf"
    write(parsed, path)
    with pytest.raises(ModelError) as caught:
        tflite.load(path)
    for name in names:
        assert f"\n    {name}: " in caught.value.what
    for kind in ("STRING", "sparse", "blockwise", "FLOAT64", "CUSTOM:FlexErf"):
        assert kind in caught.value.what
    for way_out in ("before the model", "SPARSITY", "per channel", "cast", "TFLITE_BUILTINS"):
        assert way_out in caught.value.hint


def test_equal_and_empty_names_are_told_apart(path):
    parsed = model("ADD")
    for tensor in parsed.subgraphs[0].tensors:
        tensor.name = ""
    write(parsed, path)
    assert len(tflite.load(path).tensors) == len(parsed.subgraphs[0].tensors)
    for tensor in parsed.subgraphs[0].tensors:
        tensor.name = "same"
    write(parsed, path)
    assert len(tflite.load(path).tensors) == len(parsed.subgraphs[0].tensors)


def reshaping(builtin: int, x: list[int], y: list[int]) -> schema.ModelT:
    """A file whose one operator only changes the shape."""
    parsed = model("RELU")
    graph, code = parsed.subgraphs[0], parsed.operatorCodes[0]
    code.builtinCode = code.deprecatedBuiltinCode = builtin
    operator = graph.operators[0]
    operator.builtinOptions, operator.builtinOptionsType = None, schema.BuiltinOptions.NONE
    source, result = graph.tensors[operator.inputs[0]], graph.tensors[operator.outputs[0]]
    source.shape, result.shape, source.quantization = x, y, result.quantization
    return parsed


@pytest.mark.parametrize(
    ("builtin", "x", "y"),
    [
        (schema.BuiltinOperator.EXPAND_DIMS, [1, 20, 2], [1, 1, 20, 2]),
        (schema.BuiltinOperator.SQUEEZE, [1, 1, 20, 2], [1, 20, 2]),
    ],
)
def test_what_only_changes_a_shape_is_a_reshape(builtin, x, y, path):
    write(reshaping(builtin, x, y), path)
    graph = tflite.load(path)
    (node,) = graph.nodes
    assert node.op == "RESHAPE"
    assert graph.operands(node)[1].data.tolist() == y
    write(reshaping(builtin, x, [1, 2, 20]), path)
    with pytest.raises(ModelError, match=r"makes \[1, 2, 20\] of"):
        tflite.load(path)


@pytest.mark.parametrize(
    ("tensor", "layer"),
    [
        ("model/activation/Relu;model/bn/FusedBatchNormV3;model/conv2d/BiasAdd;model/conv2d_2/Conv2D", "bn"),
        ("model/activation/Relu;model/batch_normalization/FusedBatchNormV3;model/conv2d_1/Conv2D1", "conv2d_1"),
        ("model/add/add", "add"),
        ("sequential/dense/MatMul;sequential/dense/BiasAdd", "dense"),
        ("StatefulPartitionedCall:0", "softmax"),
        ("Identity_int8", "softmax"),
        ("labels_softmax", "labels_softmax"),
    ],
)
def test_layers_are_called_what_people_call_them(tensor, layer):
    assert layer_name(tensor, "SOFTMAX") == layer
