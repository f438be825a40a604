"""Operators of files that become others mean the same."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edgeq.errors import ModelError
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


def test_a_power_by_a_computed_exponent_is_refused_with_a_way_out(tmp_path: Path) -> None:
    graph = graph_of(Node("POW", ("x", "e"), ("y",)), [real("x", 1, 9), real("e", 1, 9), real("y", 1, 9)], ("x", "e"))
    path = tmp_path / "model.tflite"
    path.write_bytes(write_model(graph, lambda attrs: options("PowOptions")))
    from edgeq import api

    np.savez(tmp_path / "c.npz", x=np.ones((2, 1, 9), np.float32), e=np.ones((2, 1, 9), np.float32))
    with pytest.raises(ModelError, match="POW") as caught:
        api.build(path, "mps2-an386", calibration=tmp_path / "c.npz", out=tmp_path / "out", compile=False)
    assert "constant exponent" in (caught.value.hint or "")
