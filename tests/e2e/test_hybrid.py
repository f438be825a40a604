"""A dynamic-range file, int8 weights between float activations: built without any data, integers only, equal on every
rung, and near to what the file means in float.

For an input there is no real data: noise of the magnitude that the int8 model's input scale speaks of, and far from it.
"""

from __future__ import annotations

import numpy as np
import pytest

from edgeq import api
from edgeq.ir import DType
from edgeq.passes import prepare_float
from edgeq.quant.evaluate import run
from edgeq.simulate import simulate
from edgeq.target import load_board
from edgeq.vectors import program_inputs
from tests.e2e.zoo import FOLDER, needs_zoo
from tests.tools import needs_host, needs_qemu

pytestmark = [needs_zoo, pytest.mark.xdist_group("hybrid")]
VECTORS = 64


@pytest.fixture(scope="module")
def model():
    return api.load_model(FOLDER / "kws_dynamic_range.tflite")


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    out = tmp_path_factory.mktemp("hybrid") / "kws"
    return api.build(FOLDER / "kws_dynamic_range.tflite", "mps2-an386", scheme="dynamic", out=out)


def noise(shape, loudness: float, vectors: int) -> np.ndarray:
    return (np.random.default_rng(3).normal(size=(vectors, *shape)) * loudness).astype(np.float32)


@pytest.mark.parametrize("loudness", [2, 20, 200])
def test_it_answers_like_the_file_in_float(model, loudness):
    graph = prepare_float(model)
    integer, _ = api.quantize_model(model, None, scheme="dynamic")
    program = api.compile_graph(integer, load_board("mps2-an386").soc.cpu).program
    (name,) = graph.inputs
    x = noise(graph.tensors[name].shape, loudness, VECTORS)
    exact = run(graph, {name: x})[graph.outputs[0]].reshape(VECTORS, -1)
    (found,) = simulate(program, program_inputs(program, [x]))
    agreement = float(np.mean(found.reshape(VECTORS, -1).argmax(1) == exact.argmax(1)))
    print(f"noise of {loudness}: {agreement:.3f} of {VECTORS} answers agree")
    assert agreement >= 0.95


def test_the_files_weights_are_the_firmwares(model):
    integer, _ = api.quantize_model(model, None, scheme="dynamic")
    of_file = [t.data for t in model.tensors.values() if t.dtype is DType.INT8 and t.is_constant]
    kept = [t.data for t in integer.tensors.values() if t.dtype is DType.INT8 and t.is_constant]
    assert of_file
    for weights in of_file:
        assert any(np.array_equal(weights, each) for each in kept)


@needs_host
def test_the_host_computes_the_same(project):
    assert project.verify("host", vectors=4).equal


@needs_qemu
def test_an_emulated_m4_computes_the_same(project):
    tensor = project.program.tensors[project.program.inputs[0]]
    assert project.verify("qemu", inputs=noise(tensor.shape, 20, 1)).equal
