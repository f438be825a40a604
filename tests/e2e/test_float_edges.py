"""Firmware that takes and gives real numbers: to the bit those of TFLite, on every rung, whatever goes in."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from edgeq import api
from edgeq.errors import EdgeqError
from edgeq.exporters.tflite import export_tflite
from edgeq.importers import load
from edgeq.ir import DType, Graph
from edgeq.passes import Edges, prepare_quantized, with_float_edges
from edgeq.quant.quantize import quantize
from edgeq.quant.schemes import find_scheme

from .. import reference
from ..quant.nets import data_for, mixed_net
from ..tools import needs_host, needs_qemu


def float_to_float(scheme: str = "int8") -> Graph:
    return with_float_edges(quantize(mixed_net(), data_for(mixed_net()), find_scheme(scheme)))


def types(graph: Graph) -> list[str]:
    return [graph.tensors[name].dtype.value for name in (*graph.inputs, *graph.outputs)]


def tie_values(graph: Graph, count: int) -> np.ndarray:
    """Half steps of the input's scale, its range left at both ends."""
    quant = graph.tensors["in0/quantized"].quant
    steps = np.random.default_rng(8).integers(-300, 300, (count, *graph.tensors["in0"].shape))
    return (steps * (quant.scale[0] / 2)).astype(np.float32)


@needs_host
@needs_qemu
@pytest.mark.parametrize(
    ("board", "scheme"), [("mps2-an386", "int8"), ("mps2-an385-m0", "int8"), ("mps3-an547", "int16x8")]
)
def test_real_numbers_in_and_out_equal_tflites(board, scheme, tmp_path):
    graph = float_to_float(scheme)
    path = tmp_path / "model.tflite"
    path.write_bytes(export_tflite(graph))
    project = api.build(path, board, edges="float", out=tmp_path / "firmware")
    x = tie_values(graph, 3)
    theirs = reference.run(path.read_bytes(), [x])["probabilities"]
    ours = project.simulate(x)["probabilities"]
    assert ours.dtype == np.float32
    np.testing.assert_array_equal(ours, theirs)
    report = project.verify(on=["host", "qemu"], vectors=4)
    assert report.equal, report
    beyond = np.stack([np.full(x.shape[1:], value, np.float32) for value in (np.nan, np.inf, -np.inf, 3e38, 1e-45)])
    assert project.verify(on=["host", "qemu"], inputs=beyond).equal
    header = (tmp_path / "firmware" / "model" / f"{project.name}.h").read_text()
    assert "Input 0: float32" in header and "Output 0: float32" in header


def test_integers_are_the_default(tmp_path):
    path = tmp_path / "model.tflite"
    path.write_bytes(export_tflite(float_to_float()))
    assert types(prepare_quantized(load(path))) == ["int8", "int8"]
    assert types(prepare_quantized(load(path), Edges.FLOAT)) == ["float32", "float32"]
    project = api.build(path, "mps2-an386", out=tmp_path / "firmware", compile=False)
    assert [t.dtype for t in project.program.tensors.values() if t.dtype is DType.FLOAT32] == []
    with pytest.raises(EdgeqError, match="unknown edges"):
        api.build(path, "mps2-an386", edges="real", out=tmp_path / "other")


@needs_host
def test_integers_in_and_real_numbers_out(tmp_path):
    """Mixed edges stay as the file has them."""
    graph = float_to_float()
    first, *nodes = graph.nodes
    inner = graph.tensors[first.outputs[0]]
    mixed = replace(graph, inputs=(inner.name,)).rewrite(nodes)
    path = tmp_path / "mixed.tflite"
    path.write_bytes(export_tflite(mixed))
    project = api.build(path, "mps2-an386", edges="float", out=tmp_path / "firmware", compile=False)
    x = np.random.default_rng(0).integers(-128, 128, (4, *inner.shape), np.int8)
    np.testing.assert_array_equal(
        project.simulate(x)["probabilities"], reference.run(path.read_bytes(), [x])["probabilities"]
    )
    assert project.verify(on="host", inputs=x).equal


def test_a_float_model_keeps_its_edges(tmp_path):
    """Quantized here, it takes what the float model took."""
    data = data_for(mixed_net())
    np.savez(tmp_path / "calibration.npz", **data)
    model, calibration = mixed_net(), tmp_path / "calibration.npz"
    real = api.build(model, "mps2-an386", calibration=calibration, edges="float", out=tmp_path / "a", compile=False)
    plain = api.build(model, "mps2-an386", calibration=calibration, out=tmp_path / "b", compile=False)
    x = data["in0"][:5]
    np.testing.assert_array_equal(
        real.simulate(x)["probabilities"], plain.simulate(x, dequantize=True)["probabilities"]
    )
    layers = [layer["op"] for layer in json.loads((tmp_path / "a" / "report.json").read_text())["layers"]]
    assert (layers[0], layers[-1]) == ("QUANTIZE", "DEQUANTIZE")
