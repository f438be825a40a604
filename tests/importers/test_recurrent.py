"""Recurrent Keras models: states from call to call, and what quantizing keeps of them."""

from __future__ import annotations

import numpy as np
import pytest

from edgeq import api
from edgeq.importers.keras import load
from edgeq.ir import DType
from edgeq.passes import prepare_float, prepare_quantized
from edgeq.quant.evaluate import run
from edgeq.quant.quantize import quantize
from edgeq.quant.schemes import SCHEMES
from edgeq.simulate import simulate
from edgeq.target import load_board
from tests.tools import needs_host

M4 = load_board("mps2-an386")


@pytest.mark.parametrize("extension", [".keras", ".h5"])
def test_states_live_from_call_to_call_as_in_keras(built, extension):
    model, folder = built("streaming")
    graph = load(folder / f"model{extension}")
    assert len(graph.states) == 2 + 2 + 1
    x = np.random.default_rng(3).normal(size=(6, 1, 2, 4)).astype(np.float32)
    for layer in model._flatten_layers():
        if getattr(layer, "stateful", False):
            layer.reset_states()
    wanted = np.stack([np.asarray(model(step)) for step in x])
    found = run(graph, {graph.inputs[0]: x})[graph.outputs[0]]
    np.testing.assert_allclose(found, wanted, atol=2e-5)
    # each call goes on from the one before
    assert np.abs(run(graph, {graph.inputs[0]: x[3:]})[graph.outputs[0]] - wanted[3:]).max() > 0.01


def calibration(graph, count=64):
    rng = np.random.default_rng(4)
    return {name: rng.normal(size=(count, *graph.tensors[name].shape)).astype(np.float32) for name in graph.inputs}


#: Largest error of any output, relative to the largest of all: layers in series, each with its own rounding.
SCHEME_ERRORS = [("int8", 0.12), ("int16x8", 0.03)]


@pytest.mark.parametrize(("scheme", "error"), SCHEME_ERRORS)
@pytest.mark.parametrize("name", ["recurrent", "recurrent_states", "streaming"])
def test_quantized_it_computes_nearly_the_same(built, name, scheme, error):
    graph = prepare_float(load(built(name)[1] / "model.keras"))
    data = calibration(graph)
    quantized = prepare_quantized(quantize(graph, data, SCHEMES[scheme]))
    types = {t.dtype for t in quantized.tensors.values() if not t.is_constant}
    assert types == {DType.INT16} | ({DType.INT8} if scheme == "int8" else set())
    program = api.compile_graph(quantized, M4.soc.cpu).program
    inputs = [quantized.tensors[n].quant.quantize(data[n], quantized.tensors[n].dtype) for n in quantized.inputs]
    wanted = run(graph, data)
    for output, found in zip(graph.outputs, simulate(program, inputs), strict=True):
        real = quantized.tensors[output].quant.dequantize(found)
        assert np.abs(real - wanted[output]).max() < error * np.abs(wanted[output]).max(), output


@needs_host
@pytest.mark.parametrize(("name", "scheme"), [("recurrent_states", "int16x8"), ("streaming", "int8")])
def test_firmware_computes_what_the_simulator_computes(built, name, scheme, tmp_path):
    graph = load(built(name)[1] / "model.keras")
    path = tmp_path / "calibration.npz"
    np.savez(path, **{name: array[:, 0] for name, array in calibration(graph).items()})
    project = api.build(graph, M4, calibration=path, scheme=scheme, out=tmp_path / "out", compile=False)
    report = project.verify(on="host", vectors=8)
    assert report.equal, report.rungs[0].first_difference
