"""The scheme int16x8: nearly float's results, and the same ones on every rung."""

from __future__ import annotations

import numpy as np
import pytest

from edgeq import api
from edgeq.errors import QuantizationError
from edgeq.importers import load
from edgeq.ir import DType, Graph, Node, Tensor
from edgeq.ops import find_op
from edgeq.passes import prepare_float
from edgeq.quant.evaluate import run
from edgeq.quant.quantize import quantize
from edgeq.quant.schemes import INT8, find_scheme

from ..e2e.zoo import FOLDER, ad_windows, needs_zoo
from ..tools import needs_qemu
from .integers import assert_reference_agrees, real_outputs, sqnr


@needs_zoo
@pytest.mark.parametrize("extension", [".h5", ".tflite"])
def test_real_frames_are_reconstructed_as_well_as_by_float(extension):
    windows = ad_windows()[:, np.newaxis]
    graph = prepare_float(load(FOLDER / f"ad_float{extension}"))
    (name,), (output,) = graph.inputs, graph.outputs
    exact = run(graph, {name: windows})[output]

    def error(y):
        return float(np.square(y.reshape(len(windows), -1) - windows.reshape(len(windows), -1)).mean())

    noise, errors = {}, {}
    for scheme in (INT8, find_scheme("int16x8")):
        integer = quantize(graph, {name: windows}, scheme)
        found = real_outputs(integer, {name: windows})[output]
        noise[scheme.name], errors[scheme.name] = sqnr(exact, found), error(found) / error(exact)
        assert_reference_agrees(integer, {name: windows[:4]})
    print(f"ad{extension}: mean squared error relative to float's {errors}, SQNR dB {noise}")
    assert all(abs(error - 1) < 0.01 for error in errors.values())
    assert noise["int16x8"] > noise["int8"] + 3


@needs_zoo
@needs_qemu
@pytest.mark.parametrize("board", ["mps2-an386", "mps3-an547"])
def test_firmware_equals_the_simulator(board, tmp_path):
    crops = np.random.default_rng(1).uniform(0, 255, (16, 32, 32, 3)).astype(np.float32)
    np.savez(tmp_path / "calibration.npz", x=crops)
    project = api.build(
        FOLDER / "resnet8_float.h5",
        board,
        calibration=tmp_path / "calibration.npz",
        scheme="int16x8",
        out=tmp_path / "firmware",
    )
    assert all(t.dtype.value == "int16" for t in project.program.tensors.values() if t.data is None)
    report = project.verify(on=["host", "qemu"], vectors=3)
    assert report.equal, report


def test_a_layer_that_is_int8_alone_is_named():
    x, y = (Tensor(name, (1, 4), DType.FLOAT32) for name in ("x", "y"))
    node = Node("LOG_SOFTMAX", ("x",), ("y",), find_op("LOG_SOFTMAX").Attrs(), "scores")
    graph = Graph("net", {"x": x, "y": y}, (node,), ("x",), ("y",))
    with pytest.raises(QuantizationError, match="int8, not int16"):
        quantize(graph, {"x": np.ones((8, 1, 4), np.float32)}, find_scheme("int16x8"))
