"""Shape arithmetic in files is computed as TFLite computes it, and what it says of open dimensions holds."""

from __future__ import annotations

from typing import Any

import ai_edge_litert.schema_py_generated as schema
import flatbuffers
import numpy as np
import pytest

from edgeq.errors import ModelError
from edgeq.importers import tflite
from edgeq.importers.tflite import flatbuffer
from edgeq.importers.tflite.shapes import resolve_shapes
from edgeq.ir import DType, Graph, Node, QuantParams, Tensor, frozen_array
from tests.ops.one_op import options, run_tflite, write_model
from tests.ops.test_conformance import simulate

SHAPE = np.int32([1, 5, 8])
ONE = np.int32(1)
BOTH = np.array([False, True])


def constant(name: str, values: Any) -> Tensor:
    values = np.asarray(values)
    return Tensor(name, values.shape, DType(values.dtype.name), data=frozen_array(values))


def file_of(op: str, table: Any, operands: list[Tensor], result: Tensor) -> bytes:
    tensors = {t.name: t for t in (*operands, result)}
    node = Node(op, tuple(t.name for t in operands), (result.name,))
    runtime = tuple(t.name for t in operands if not t.is_constant)
    return write_model(Graph("shapes", tensors, (node,), runtime, (result.name,)), lambda attrs: table)


def folded(data: bytes, path) -> np.ndarray | None:
    """What reading the file makes of its one operator's result."""
    path.write_bytes(data)
    file = resolve_shapes(flatbuffer.read(path))
    (result,) = file.outputs
    assert file.operators == () or file.tensors[result].data is None
    return file.tensors[result].data


@pytest.mark.parametrize(
    ("op", "table", "operands", "expected"),
    [
        ("GATHER", options("GatherOptions", axis=0), [SHAPE, np.int32([2, 0])], [8, 1]),
        ("GATHER", options("GatherOptions", axis=-1), [SHAPE, np.int32(1)], 5),
        ("REDUCE_PROD", options("ReducerOptions", keepDims=False), [SHAPE, np.int32([0])], 40),
        ("REDUCE_PROD", options("ReducerOptions", keepDims=True), [SHAPE, np.int32([0])], [40]),
        ("REDUCE_MAX", options("ReducerOptions", keepDims=False), [SHAPE, np.int32([0])], 8),
        ("SUM", options("ReducerOptions", keepDims=False), [SHAPE, np.int32([0])], 14),
        ("CONCATENATION", options("ConcatenationOptions", axis=0), [SHAPE, np.int32([7])], [1, 5, 8, 7]),
        ("PACK", options("PackOptions", axis=0, valuesCount=2), [ONE, np.int32(9)], [1, 9]),
        ("SLICE", options("SliceOptions"), [SHAPE, np.int32([1]), np.int32([-1])], [5, 8]),
        ("MUL", options("MulOptions"), [SHAPE, np.int32(3)], [3, 15, 24]),
        ("ADD", options("AddOptions"), [SHAPE, SHAPE], [2, 10, 16]),
        ("SUB", options("SubOptions"), [SHAPE, ONE], [0, 4, 7]),
        ("MAXIMUM", options("MaximumMinimumOptions"), [SHAPE, np.int32(4)], [4, 5, 8]),
        ("FLOOR_DIV", options("FloorDivOptions"), [np.int32([-7, 7]), np.int32([2, 2])], [-4, 3]),
        ("FLOOR_MOD", options("FloorModOptions"), [np.int32([-7, 7]), np.int32([2, 4])], [1, 3]),
        ("RANGE", options("RangeOptions"), [np.int32(2), np.int32(11), np.int32(3)], [2, 5, 8]),
        ("CAST", options("CastOptions"), [SHAPE], np.int64([1, 5, 8])),
        ("EQUAL", options("EqualOptions"), [SHAPE, np.int32(5)], [False, True, False]),
        ("LESS_EQUAL", options("LessEqualOptions"), [SHAPE, np.int32(5)], [True, True, False]),
        ("SELECT_V2", options("SelectV2Options"), [np.array([True, False, True]), SHAPE, ONE], [1, 1, 8]),
        ("SELECT", options("SelectOptions"), [np.array([True, False, True]), SHAPE, SHAPE + ONE], [1, 6, 8]),
        ("LOGICAL_AND", None, [BOTH[:, np.newaxis], BOTH], [[False, False], [False, True]]),
        ("LOGICAL_OR", None, [BOTH[:, np.newaxis], BOTH], [[False, True], [True, True]]),
        ("LOGICAL_NOT", None, [BOTH], [True, False]),
        ("BROADCAST_TO", None, [SHAPE, np.int32([2, 3])], [[1, 5, 8], [1, 5, 8]]),
        ("TILE", None, [SHAPE, np.int32([2])], [1, 5, 8, 1, 5, 8]),
        ("TRANSPOSE", None, [np.int32([[1, 5], [2, 7]]), np.int32([1, 0])], [[1, 2], [5, 7]]),
        ("POW", options("PowOptions"), [SHAPE, np.int32(2)], [1, 25, 64]),
        ("ADD_N", options("AddNOptions"), [SHAPE, SHAPE, SHAPE], [3, 15, 24]),
        ("BROADCAST_ARGS", None, [np.int32([5, 1]), SHAPE], [1, 5, 8]),
        ("EXPAND_DIMS", options("ExpandDimsOptions"), [SHAPE, np.int32(0)], [[1, 5, 8]]),
        ("FILL", options("FillOptions"), [np.int32([2, 3]), np.float32(0.25)], np.full((2, 3), 0.25, np.float32)),
        ("FILL", options("FillOptions"), [np.int32([2]), np.int8(-5)], np.int8([-5, -5])),
    ],
)
def test_constants_are_those_of_tflite(op, table, operands, expected, tmp_path):
    expected = np.asarray(expected)
    expected = expected.astype(np.int32) if expected.dtype == int else expected
    tensors = [constant(f"x{i}", values) for i, values in enumerate(operands)]
    data = file_of(op, table, tensors, Tensor("y", expected.shape, DType(expected.dtype.name)))
    ours = folded(data, tmp_path / "model.tflite")
    np.testing.assert_array_equal(ours, expected, strict=True)
    at_run_time = [Tensor(t.name, t.shape, t.dtype) for t in tensors]
    data = file_of(op, table, at_run_time, Tensor("y", expected.shape, DType(expected.dtype.name)))
    (theirs,) = run_tflite(data, [t.data[np.newaxis] for t in tensors])
    np.testing.assert_array_equal(ours, theirs[0], strict=True)


@pytest.mark.parametrize(
    ("op", "expected"), [("SHAPE", [2, 3]), ("RANK", 2), ("ZEROS_LIKE", np.full((2, 3), -7, np.int8))]
)
def test_what_depends_on_the_shape_alone_is_a_constant(op, expected, tmp_path):
    """Zeros of a quantized tensor are its zero point."""
    quant = QuantParams([0.5], [-7])
    expected = np.asarray(expected)
    dtype = DType.INT8 if op == "ZEROS_LIKE" else DType.INT32
    result = Tensor("y", expected.shape, dtype, quant if op == "ZEROS_LIKE" else None)
    table = {"SHAPE": options("ShapeOptions", outType=schema.TensorType.INT32)}.get(op)
    data = file_of(op, table, [Tensor("x", (2, 3), DType.INT8, quant)], result)
    np.testing.assert_array_equal(folded(data, tmp_path / "model.tflite"), expected)


@pytest.mark.parametrize(
    ("op", "table", "operands", "shape"),
    [
        ("GATHER", options("GatherOptions", axis=0), [SHAPE, np.int32([3])], (1,)),
        ("GATHER", options("GatherOptions", axis=4), [SHAPE, np.int32([0])], (1,)),
        ("REDUCE_PROD", options("ReducerOptions"), [SHAPE, np.int32([5])], ()),
        ("REDUCE_PROD", None, [SHAPE, np.int32([0])], ()),
        ("RANGE", options("RangeOptions"), [np.int32(0), np.int32(5), np.int32(0)], (1,)),
        ("FILL", options("FillOptions"), [np.int32([1 << 15, 1 << 15]), np.int8(0)], (1,)),
        ("FILL", options("FillOptions"), [np.int32([-2]), np.int8(0)], (1,)),
        ("FLOOR_DIV", options("FloorDivOptions"), [SHAPE, np.int32([0, 1])], (3,)),
        ("CONCATENATION", options("ConcatenationOptions", axis=2), [SHAPE, SHAPE], (6,)),
        ("PACK", options("PackOptions", axis=0, valuesCount=2), [ONE, SHAPE], (2,)),
        ("SLICE", options("SliceOptions"), [SHAPE, np.int32([1, 2]), np.int32([1])], (1,)),
        ("MUL", options("MulOptions"), [SHAPE, np.int32([1, 2])], (3,)),
        ("ADD", options("AddOptions"), [SHAPE, ONE], (2,)),
        ("BROADCAST_ARGS", None, [np.int32([2]), np.int32([3])], (1,)),
    ],
)
def test_damaged_shape_arithmetic_is_refused(op, table, operands, shape, tmp_path):
    tensors = [constant(f"x{i}", values) for i, values in enumerate(operands)]
    result = Tensor("y", shape, DType.INT8 if op == "FILL" else DType.INT32)
    with pytest.raises(ModelError, match="damaged|declares"):
        folded(file_of(op, table, tensors, result), tmp_path / "model.tflite")


def squeezing(signature: list[int]) -> bytes:
    """x (1, 4, 1) → SQUEEZE → EXPAND_DIMS, of declared shapes that are guesses where the signature is open."""
    quant = QuantParams([0.5], [0])
    tensors = {t.name: t for t in (Tensor("x", (1, 4, 1), DType.INT8, quant), constant("axis", np.int32(1)))}
    tensors |= {name: Tensor(name, (1, 1), DType.INT8, quant) for name in ("s", "y")}
    nodes = (Node("SQUEEZE", ("x",), ("s",), [2]), Node("EXPAND_DIMS", ("s", "axis"), ("y",)))
    data = write_model(
        Graph("open", tensors, nodes, ("x",), ("y",)),
        lambda axes: options("SqueezeOptions", squeezeDims=axes) if axes else options("ExpandDimsOptions"),
    )
    parsed = schema.ModelT.InitFromPackedBuf(data, 0)
    for tensor in parsed.subgraphs[0].tensors:
        if tensor.name in (b"s", b"y"):
            tensor.shapeSignature = signature
    return packed(parsed)


def packed(parsed: schema.ModelT) -> bytes:
    builder = flatbuffers.Builder(1024)
    builder.Finish(parsed.Pack(builder), file_identifier=b"TFL3")
    return bytes(builder.Output())


def test_open_dimensions_get_their_sizes(tmp_path):
    path = tmp_path / "model.tflite"
    path.write_bytes(squeezing([-1, -1]))
    graph = tflite.load(path)
    assert [graph.results(node)[0].shape for node in graph.nodes] == [(1, 4), (1, 1, 4)]
    path.write_bytes(squeezing([1, 1]))
    with pytest.raises(ModelError, match=r"SQUEEZE makes \[1, 1\] of \[1, 4, 1\]"):
        tflite.load(path)


def test_a_reshape_of_several_results_is_refused(tmp_path):
    parsed = schema.ModelT.InitFromPackedBuf(squeezing([1, 1]), 0)
    squeeze = parsed.subgraphs[0].operators[0]
    squeeze.outputs = [*squeeze.outputs, *squeeze.outputs]
    path = tmp_path / "model.tflite"
    path.write_bytes(packed(parsed))
    with pytest.raises(ModelError, match="SQUEEZE declares 2 results"):
        tflite.load(path)


def test_a_constant_of_an_open_size_has_the_size_that_is_computed(tmp_path):
    """As TF 2.14 writes layer normalizations: the declared shape is a guess."""
    guess = Tensor("y", (1,), DType.FLOAT32)
    parsed = schema.ModelT.InitFromPackedBuf(
        file_of("FILL", options("FillOptions"), [constant("n", np.int32([8])), constant("one", np.float32(1))], guess),
        0,
    )
    for tensor in parsed.subgraphs[0].tensors:
        if tensor.name == b"y":
            tensor.shapeSignature = [-1]
    np.testing.assert_array_equal(folded(packed(parsed), tmp_path / "m.tflite"), np.ones(8, np.float32), strict=True)


def test_zeros_may_have_the_scale_zero(tmp_path):
    """As TF 2.14 writes 16x8 biases that are 0 throughout. TFLite aborts, where any other scale says the same."""
    x = Tensor("x", (1, 40), DType.INT16, QuantParams([0.001], [0]))
    zeros = Tensor("zeros", (40,), DType.INT16, QuantParams([1e-6], [0]), frozen_array(np.zeros(40, np.int16)))
    y = Tensor("y", (1, 40), DType.INT16, QuantParams([0.0013], [0]))
    data = file_of("ADD", options("AddOptions", potScaleInt16=False), [x, zeros], y)
    parsed = schema.ModelT.InitFromPackedBuf(data, 0)
    for tensor in parsed.subgraphs[0].tensors:
        if tensor.name == b"zeros":
            tensor.quantization.scale = [0.0]
    path = tmp_path / "m.tflite"
    path.write_bytes(packed(parsed))
    values = np.random.default_rng(0).integers(-32768, 32768, (3, 1, 40)).astype(np.int16)
    (ours,) = simulate(tflite.load(path), (values,))
    np.testing.assert_array_equal(ours, run_tflite(data, [values])[0], strict=True)


def with_scale_zero(data: bytes, *names: str) -> bytes:
    parsed = schema.ModelT.InitFromPackedBuf(data, 0)
    for tensor in parsed.subgraphs[0].tensors:
        if tensor.name.decode() in names:
            tensor.quantization.scale = [0.0]
    return packed(parsed)


def chain(tensors: list[Tensor], nodes: list[tuple[str, tuple[str, ...], str, Any]]) -> bytes:
    """A file of several operators: (name, operands, result, options). The input is x, the output what comes last."""
    made = tuple(Node(op, operands, (result,), table) for op, operands, result, table in nodes)
    graph = Graph("chain", {t.name: t for t in tensors}, made, ("x",), (nodes[-1][2],))
    return write_model(graph, lambda table: table)


def int16(name: str, shape: tuple[int, ...], scale: float = 1e-6, data: Any = None) -> Tensor:
    return Tensor(name, shape, DType.INT16, QuantParams([scale], [0]), data)


def test_zeros_of_scale_zero_may_be_filled(tmp_path):
    """As TF 2.14 writes the layer normalizations of a 16x8 transformer; only its scale-0 tensors make TFLite abort."""
    tensors = [
        int16("x", (1, 8), 0.001),
        constant("n", np.int32([8])),
        int16("zero", (), data=frozen_array(np.int16(0))),
        int16("zeros", (8,)),
        int16("y", (1, 8), 0.0013),
    ]
    data = chain(
        tensors,
        [
            ("FILL", ("n", "zero"), "zeros", options("FillOptions")),
            ("SUB", ("zeros", "x"), "y", options("SubOptions", potScaleInt16=False)),
        ],
    )
    path = tmp_path / "m.tflite"
    path.write_bytes(with_scale_zero(data, "zero", "zeros"))
    values = np.random.default_rng(0).integers(-32768, 32768, (3, 1, 8)).astype(np.int16)
    (ours,) = simulate(tflite.load(path), (values,))
    np.testing.assert_array_equal(ours, run_tflite(data, [values])[0], strict=True)


def test_a_computed_tensor_of_scale_zero_is_refused_by_name(tmp_path):
    x, y = int16("x", (1, 8), 0.001), int16("dead", (1, 8))
    data = file_of("ADD", options("AddOptions", potScaleInt16=False), [x, x], y)
    path = tmp_path / "m.tflite"
    path.write_bytes(with_scale_zero(data, "dead"))
    with pytest.raises(ModelError, match="the scale 0: all the data that the file was calibrated with made it 0") as e:
        tflite.load(path)
    assert "dead" in e.value.where and "representative data" in e.value.hint


@pytest.mark.parametrize("bias", [None, 5])
def test_a_dense_layer_of_zeros_is_zeros(bias, tmp_path):
    """As an unrolled recurrent layer has it in its first step, with scales too small for any 32-bit sum."""
    tensors = [
        int16("x", (1, 4), 0.001),
        int16("h", (1, 8), data=frozen_array(np.zeros((1, 8), np.int16))),
        Tensor("w", (4, 8), DType.INT8, QuantParams([0.003], [0]), frozen_array(np.full((4, 8), 99, np.int8))),
        int16("p", (1, 4), 1e-6 if bias else 3.6e-43),
        int16("y", (1, 4), 0.0013),
    ]
    operands = ("h", "w")
    if bias is not None:
        tensors.append(constant("b", np.full(4, bias, np.int64)))
        operands = ("h", "w", "b")
    data = chain(
        tensors,
        [
            ("FULLY_CONNECTED", operands, "p", options("FullyConnectedOptions")),
            ("ADD", ("x", "p"), "y", options("AddOptions", potScaleInt16=False)),
        ],
    )
    path = tmp_path / "m.tflite"
    path.write_bytes(with_scale_zero(data, "h") if bias is None else data)
    graph = tflite.load(path)
    assert [node.op for node in graph.nodes] == (["ADD"] if bias is None else ["FULLY_CONNECTED", "ADD"])
    if bias is None:
        values = np.random.default_rng(0).integers(-32768, 32768, (3, 1, 4)).astype(np.int16)
        (ours,) = simulate(graph, (values,))
        np.testing.assert_array_equal(ours, run_tflite(path.read_bytes(), [values])[0], strict=True)


def test_a_product_with_zeros_is_zeros(tmp_path):
    tensors = [
        int16("x", (1, 4), 0.001),
        int16("h", (1, 4), data=frozen_array(np.zeros((1, 4), np.int16))),
        int16("p", (1, 4), 1e-6),
        int16("y", (1, 4), 0.0013),
    ]
    nodes = [
        ("MUL", ("x", "h"), "p", options("MulOptions")),
        ("ADD", ("x", "p"), "y", options("AddOptions", potScaleInt16=False)),
    ]
    path = tmp_path / "m.tflite"
    path.write_bytes(chain(tensors, nodes))
    graph = tflite.load(path)
    assert [node.op for node in graph.nodes] == ["ADD"]
    values = np.random.default_rng(0).integers(-32768, 32768, (3, 1, 4)).astype(np.int16)
    (ours,) = simulate(graph, (values,))
    np.testing.assert_array_equal(ours, run_tflite(path.read_bytes(), [values])[0], strict=True)


@pytest.mark.parametrize(
    ("op", "table", "operands"),
    [
        ("GATHER", options("GatherOptions", axis=0), [np.int32([[1, 5], [2, 7]]), np.int32([-1])]),
        ("RANGE", options("RangeOptions"), [np.int32(0), np.int32(1 << 30), np.int32(1)]),
        ("ADD", options("AddOptions", fusedActivationFunction=1), [np.int32([1, 2]), np.int32([1, 2])]),
        ("POW", options("PowOptions"), [np.int32([1, 2]), np.int32([-1, 2])]),
        ("TILE", None, [np.int32([1, 2]), np.int32([1 << 29])]),
        ("MUL", options("MulOptions"), [np.zeros((1 << 15, 1), np.int32), np.zeros(1 << 15, np.int32)]),
        ("BROADCAST_TO", None, [np.int32([1, 2]), np.int32([1 << 29, 2])]),
    ],
)
def test_constants_that_are_no_shape_arithmetic_stay(op, table, operands, tmp_path):
    """Such a file is sound: nothing calls it damaged."""
    given = [constant(f"operand{i}", values) for i, values in enumerate(operands)]
    data = file_of(op, table, given, Tensor("y", (2,), DType.INT32))
    assert folded(data, tmp_path / "m.tflite") is None
