"""Operators of files that become others mean the same."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edgeq import api
from edgeq.errors import ModelError, QuantizationError
from edgeq.importers import load
from edgeq.ir import DType, Graph, Node, QuantParams, Tensor, frozen_array
from edgeq.ops import find_op
from edgeq.ops.lookup import LookupAttrs
from edgeq.passes import prepare_float
from edgeq.quant.evaluate import run
from tests.ops.graphs import Case
from tests.ops.one_op import options, run_tflite, write_model
from tests.ops.test_conformance import simulate

EVERY = np.arange(-128, 128, dtype=np.int8).reshape(1, 1, 256)


def real(name: str, *shape: int) -> Tensor:
    return Tensor(name, shape, DType.FLOAT32)


def exponent(value: float) -> Tensor:
    return Tensor("exponent", (), DType.FLOAT32, data=frozen_array(np.float32(value)))


def graph_of(node: Node, tensors: list[Tensor], inputs: tuple[str, ...]) -> Graph:
    return Graph("rewritten", {t.name: t for t in tensors}, (node,), inputs, node.outputs)


def test_pow_and_add_n_of_real_numbers(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    x = rng.uniform(0.1, 3.0, (2, 1, 9)).astype(np.float32)
    graph = graph_of(Node("POW", ("x", "exponent"), ("y",)), [real("x", 1, 9), exponent(1.7), real("y", 1, 9)], ("x",))
    assert_means_the_same(graph, options("PowOptions"), [x], tmp_path)
    names = ("a", "b", "c", "d")
    terms = [real(name, 1, 9) for name in names]
    graph = graph_of(Node("ADD_N", names, ("y",)), [*terms, real("y", 1, 9)], names)
    vectors = [rng.standard_normal((2, 1, 9)).astype(np.float32) for _ in names]
    assert len(assert_means_the_same(graph, options("AddNOptions"), vectors, tmp_path).nodes) == 3


def assert_means_the_same(graph: Graph, table, vectors: list[np.ndarray], folder: Path) -> Graph:
    path = folder / "model.tflite"
    path.write_bytes(write_model(graph, lambda attrs: table))
    imported = prepare_float(load(path))
    assert all(find_op(node.op) is not None for node in imported.nodes)
    (name,) = imported.outputs
    ours = run(imported, dict(zip(imported.inputs, vectors, strict=True)))[name]
    np.testing.assert_allclose(ours, run_tflite(path.read_bytes(), vectors)[0], rtol=1e-6)
    return imported


@pytest.mark.parametrize(
    ("op", "table", "power"),
    [
        ("COS", options("CosOptions"), None),
        ("SQRT", None, None),
        ("SQUARE", options("SquareOptions"), None),
        ("POW", options("PowOptions"), 1.7),
        ("POW", options("PowOptions"), 3.0),
        ("POW", options("PowOptions"), -0.5),
    ],
)
def test_real_functions_between_integers_become_integers(op, table, power, tmp_path):
    """As converters leave them in int8 models, which the interpreter computes in float32."""
    x = Tensor("x", (1, 256), DType.INT8, QuantParams([0.031], [-128]))
    y = Tensor("y", (1, 256), DType.INT8, QuantParams([0.043], [-20]))
    operands = ("xf",) if power is None else ("xf", "exponent")
    nodes = (
        Node("DEQUANTIZE", ("x",), ("xf",), LookupAttrs()),
        Node(op, operands, ("yf",)),
        Node("QUANTIZE", ("yf",), ("y",), LookupAttrs()),
    )
    tensors = {t.name: t for t in (x, real("xf", 1, 256), real("yf", 1, 256), y)}
    if power is not None:
        tensors["exponent"] = exponent(power)
    graph = Graph("island", tensors, nodes, ("x",), ("y",))
    path = tmp_path / "model.tflite"
    path.write_bytes(write_model(graph, lambda attrs: table if attrs is None else None))
    imported = load(path)
    assert len(imported.nodes) == 1
    values = EVERY if power is None or power > 0 else np.maximum(EVERY, -127)
    (theirs,) = run_tflite(path.read_bytes(), [values])
    (ours,) = simulate(imported, (values,))
    np.testing.assert_array_equal(ours, theirs, err_msg=str(Case(op, imported, (values,))))


@pytest.mark.parametrize("rows", [7, 6])
def test_indices_may_count_from_the_end(rows, tmp_path):
    """As TF 2.21 writes Keras 3's embeddings. With another number than the table's rows they are no such indices."""
    table = np.random.default_rng(1).integers(-128, 128, (7, 4)).astype(np.int8)
    quant = QuantParams([0.03], [5])
    tensors = [
        Tensor("i", (1, 5), DType.INT32),
        Tensor("zero", (), DType.INT32, data=frozen_array(np.int32(0))),
        Tensor("rows", (), DType.INT32, data=frozen_array(np.int32(rows))),
        Tensor("less", (1, 5), DType.BOOL),
        Tensor("more", (1, 5), DType.INT32),
        Tensor("wrapped", (1, 5), DType.INT32),
        Tensor("table", (7, 4), DType.INT8, quant, frozen_array(table)),
        integers("y", DType.INT8, quant, 1, 5, 4),
    ]
    nodes = [
        ("LESS", ("i", "zero"), ("less",), options("LessOptions")),
        ("ADD", ("i", "rows"), ("more",), options("AddOptions")),
        ("SELECT_V2", ("less", "more", "i"), ("wrapped",), options("SelectV2Options")),
        ("GATHER", ("table", "wrapped"), ("y",), options("GatherOptions", axis=0)),
    ]
    graph, path = island(tmp_path, tensors, nodes, ("i",), ("y",))
    if rows != 7:
        assert [node.op for node in graph.nodes] == ["LESS", "ADD", "SELECT_V2", "GATHER"]
        return
    assert [node.op for node in graph.nodes] == ["FLOOR_MOD", "GATHER"]
    x = np.random.default_rng(0).integers(-rows, rows, (6, 1, 5)).astype(np.int32)
    _built_equals(path, x, run_tflite(path.read_bytes(), [x]), tmp_path)


@pytest.mark.parametrize("sizes", [(4, 0, 5), (4, -1, 5)])
def test_empty_pieces_that_nothing_reads_are_left_out(sizes, tmp_path):
    """As TF 2.14 splits the recurrent part of a GRU with reset_after=False."""
    quant = QuantParams([0.03], [5])
    tensors = [
        integers("x", DType.INT8, quant, 1, 9),
        Tensor("sizes", (3,), DType.INT32, data=frozen_array(np.int32(sizes))),
        Tensor("axis", (), DType.INT32, data=frozen_array(np.int32(-1))),
        *(integers(name, DType.INT8, quant, 1, size) for name, size in (("a", 4), ("b", 0), ("c", 5))),
    ]
    nodes = [("SPLIT_V", ("x", "sizes", "axis"), ("a", "b", "c"), options("SplitVOptions", numSplits=3))]
    graph, path = island(tmp_path, tensors, nodes, ("x",), ("a", "c"))
    x = EVERY.reshape(-1)[:252].reshape(28, 1, 9)
    for ours, theirs in zip(simulate(graph, (x,)), run_tflite(path.read_bytes(), [x]), strict=True):
        np.testing.assert_array_equal(ours, theirs, strict=True)
    with pytest.raises(ModelError, match="do not fill"):
        island(tmp_path, tensors, nodes, ("x",), ("a", "b", "c"))


INT8 = QuantParams([0.031], [-20])
INT16 = QuantParams([0.00031], [0])


def island(tmp_path, tensors, nodes, inputs, outputs):
    """(the graph that a file is read as, the file)."""
    path = tmp_path / "model.tflite"
    made = tuple(Node(op, operands, results, table) for op, operands, results, table in nodes)
    graph = Graph("island", {t.name: t for t in tensors}, made, inputs, outputs)
    path.write_bytes(write_model(graph, lambda table: table))
    return load(path), path


def integers(name, dtype, quant, *shape):
    return Tensor(name, shape, dtype, quant)


@pytest.mark.parametrize(("dtype", "quant"), [(DType.INT8, INT8), (DType.INT16, INT16)])
def test_what_moves_or_chooses_real_numbers_between_integers_is_exact(dtype, quant, tmp_path):
    """As TF 2.14 leaves TOPK_V2 and REVERSE_SEQUENCE in models of int16, and TOPK_V2 where only places are read."""
    tensors = [
        integers("x", dtype, quant, 2, 6),
        real("xf", 2, 6),
        Tensor("lengths", (2,), DType.INT32, data=frozen_array(np.int32([4, 6]))),
        real("reversed", 2, 6),
        Tensor("k", (), DType.INT32, data=frozen_array(np.int32(3))),
        real("values", 2, 3),
        Tensor("places", (2, 3), DType.INT32),
        integers("y", dtype, quant, 2, 6),
    ]
    nodes = [
        ("DEQUANTIZE", ("x",), ("xf",), None),
        ("REVERSE_SEQUENCE", ("xf", "lengths"), ("reversed",), options("ReverseSequenceOptions", seqDim=1, batchDim=0)),
        ("TOPK_V2", ("reversed", "k"), ("values", "places"), options("TopKV2Options")),
        ("QUANTIZE", ("reversed",), ("y",), None),
    ]
    graph, path = island(tmp_path, tensors, nodes, ("x",), ("values", "places", "y"))
    kinds = {t.dtype for n in graph.nodes if n.op != "DEQUANTIZE" for t in (*graph.operands(n), *graph.results(n))}
    assert DType.FLOAT32 not in kinds
    low, high = dtype.range
    x = np.random.default_rng(0).integers(low, high + 1, (4, 2, 6)).astype(dtype.numpy)
    x[:, 0] //= dtype.numpy.type(high // 3)
    _built_equals(path, x, run_tflite(path.read_bytes(), [x]), tmp_path)


def test_rows_of_a_real_table_are_quantized_beforehand(tmp_path):
    """As TF 2.14 leaves embeddings of int16."""
    table = np.random.default_rng(1).normal(size=(7, 4)).astype(np.float32)
    tensors = [
        Tensor("indices", (3,), DType.INT32),
        Tensor("table", table.shape, DType.FLOAT32, data=frozen_array(table)),
        real("rows", 3, 4),
        integers("y", DType.INT16, QuantParams([0.0001], [0]), 3, 4),
    ]
    nodes = [("EMBEDDING_LOOKUP", ("indices", "table"), ("rows",), None), ("QUANTIZE", ("rows",), ("y",), None)]
    graph, path = island(tmp_path, tensors, nodes, ("indices",), ("y",))
    assert [node.op for node in graph.nodes] == ["EMBEDDING_LOOKUP"]
    x = np.random.default_rng(0).integers(0, 7, (4, 3)).astype(np.int32)
    _built_equals(path, x, run_tflite(path.read_bytes(), [x]), tmp_path)


@pytest.mark.parametrize("op", ["CUMSUM", "ADD_N"])
def test_other_operators_between_integers_are_within_a_step(op, tmp_path):
    """One of them in int8; sums of several in int16. The model's real input is known by its QUANTIZE, as the converter
    leaves it."""
    tensors = [
        real("in", 1, 9),
        integers("x", DType.INT8, QuantParams([0.03], [-20]), 1, 9),
        integers("h", DType.INT8, QuantParams([0.01], [40]), 1, 9),
        real("hf", 1, 9),
        Tensor("axis", (), DType.INT32, data=frozen_array(np.int32(1))),
        real("sum", 1, 9),
        integers("y", DType.INT8, QuantParams([0.05], [3]), 1, 9),
    ]
    inner = {
        "CUMSUM": ("CUMSUM", ("hf", "axis"), ("sum",), options("CumsumOptions")),
        "ADD_N": ("ADD_N", ("hf", "in", "hf"), ("sum",), options("AddNOptions")),
    }[op]
    nodes = [
        ("QUANTIZE", ("in",), ("x",), None),
        ("QUANTIZE", ("x",), ("h",), None),
        ("DEQUANTIZE", ("h",), ("hf",), None),
        inner,
        ("QUANTIZE", ("sum",), ("y",), None),
    ]
    _, path = island(tmp_path, tensors, nodes, ("in",), ("y",))
    x = (0.03 * (np.random.default_rng(0).integers(-128, 128, (20, 1, 9)) + 20)).astype(np.float32)
    (theirs,) = run_tflite(path.read_bytes(), [x])
    (ours,) = api.build(path, "mps2-an386", out=tmp_path / "out", compile=False, edges="float").simulate(x).values()
    ours, theirs = ours.astype(int), theirs.astype(int)
    assert np.abs(ours - theirs).max() <= 1 and np.ptp(theirs) > 30


def _built_equals(path, x, expected, tmp_path) -> None:
    project = api.build(path, "mps2-an386", out=tmp_path / "out", compile=False, edges="float")
    for ours, theirs in zip(project.simulate(x).values(), expected, strict=True):
        np.testing.assert_array_equal(ours, theirs, strict=True)


def test_a_model_that_is_quantized_in_part_is_refused_by_its_layers(tmp_path):
    tensors = [
        integers("x", DType.INT8, INT8, 1, 9),
        integers("a", DType.INT8, INT8, 1, 9),
        real("af", 1, 9),
        real("b", 1, 9),
        real("c", 1, 9),
        integers("y", DType.INT8, INT8, 1, 9),
    ]
    nodes = [
        ("ABS", ("x",), ("a",), None),
        ("DEQUANTIZE", ("a",), ("af",), None),
        ("EXP", ("af",), ("b",), None),
        ("SIN", ("b",), ("c",), None),
        ("QUANTIZE", ("c",), ("y",), None),
    ]
    _, path = island(tmp_path, tensors, nodes, ("x",), ("y",))
    with pytest.raises(QuantizationError, match=r"quantized in part: .*EXP \(b\); SIN \(c\)"):
        api.build(path, "mps2-an386", out=tmp_path / "out", compile=False)


def test_a_power_by_a_computed_exponent_is_refused_with_a_way_out(tmp_path: Path) -> None:
    graph = graph_of(Node("POW", ("x", "e"), ("y",)), [real("x", 1, 9), real("e", 1, 9), real("y", 1, 9)], ("x", "e"))
    path = tmp_path / "model.tflite"
    path.write_bytes(write_model(graph, lambda attrs: options("PowOptions")))
    np.savez(tmp_path / "c.npz", x=np.ones((2, 1, 9), np.float32), e=np.ones((2, 1, 9), np.float32))
    with pytest.raises(ModelError, match="POW") as caught:
        api.build(path, "mps2-an386", calibration=tmp_path / "c.npz", out=tmp_path / "out", compile=False)
    assert "constant exponent" in (caught.value.hint or "")
