"""Every scheme there is, by discovery, from Keras models to firmware: equal on every rung, and the same bytes twice.

A convolutional, a depthwise and a dense model go through each scheme. All integer networks then stand side by side in
one program, so that one build for a core tries every scheme on it; layers bear their scheme's name.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import layers

from edgeq import api
from edgeq.device.session import Session, open_host, open_qemu
from edgeq.emit import emit, write_files
from edgeq.errors import QuantizationError
from edgeq.ir import DType, Graph
from edgeq.quant.evaluate import run
from edgeq.quant.quantize import quantize
from edgeq.quant.recipes import Recipe
from edgeq.quant.schemes import SCHEMES, find_scheme
from edgeq.simulate import simulate
from edgeq.target import load_board
from edgeq.toolchain.build import build
from edgeq.vectors import program_inputs
from edgeq.verify import verify_on
from tests.merging import side_by_side
from tests.tools import needs_host, needs_qemu

from .digests import digests
from .integers import sqnr

# one worker quantizes, all tests read
pytestmark = pytest.mark.xdist_group("schemes")
BOARDS = {"M4": "mps2-an386", "M55": "mps3-an547", "M0": "mps2-an385-m0"}
VECTORS = 3
ON_CORE_VECTORS = 2


def make_models() -> dict[str, keras.Model]:
    """Small ones with random weights, channels of different size, odd channel counts."""
    keras.utils.set_random_seed(11)
    image = (9, 9, 3)
    cnn = keras.Sequential(
        [
            keras.Input(image),
            layers.Conv2D(8, 3, padding="same", use_bias=False),
            layers.BatchNormalization(),
            layers.ReLU(),
            layers.MaxPooling2D(2),
            layers.Conv2D(13, 3, strides=2, activation="relu"),
            layers.Flatten(),
            layers.Dense(5, activation="softmax"),
        ],
        name="cnn",
    )
    depthwise = keras.Sequential(
        [
            keras.Input(image),
            layers.DepthwiseConv2D(3, padding="same", activation="relu"),
            layers.Conv2D(12, 1, activation="relu6"),
            layers.DepthwiseConv2D(3, strides=2, use_bias=False),
            layers.Conv2D(6, 1),
            layers.GlobalAveragePooling2D(),
        ],
        name="depthwise",
    )
    dense = keras.Sequential(
        [keras.Input((40,)), layers.Dense(33, activation="relu"), layers.Dense(16, activation="tanh"), layers.Dense(3)],
        name="dense",
    )
    return {model.name: model for model in (cnn, depthwise, dense)}


def data_for(graph: Graph, vectors: int, seed: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    return {name: rng.normal(size=(vectors, *graph.tensors[name].shape)).astype(np.float32) for name in graph.inputs}


@pytest.fixture(scope="module")
def files(tmp_path_factory) -> dict[str, Path]:
    """Keras files by name; their calibration data lie beside them."""
    folder = tmp_path_factory.mktemp("models")
    found = {}
    for name, model in make_models().items():
        found[name] = folder / f"{name}.keras"
        model.save(found[name])
        np.savez(found[name].with_suffix(".npz"), **data_for(api.load_model(found[name]), 48, seed=5))
    return found


@pytest.fixture(scope="module")
def quantized(files) -> dict[tuple[str, str], Graph]:
    """The integer graph by (scheme, model)."""
    graphs = {name: api.load_model(path) for name, path in files.items()}
    return {
        (scheme, name): api.quantize_model(graph, files[name].with_suffix(".npz"), scheme=scheme)[0]
        for scheme in SCHEMES
        for name, graph in graphs.items()
    }


@pytest.fixture(scope="module")
def merged(quantized, files) -> Graph:
    """All of them, and for each scheme whose layers may be beside others a network whose middle layer is of another."""
    graphs = {f"{scheme}_{name}": graph for (scheme, name), graph in quantized.items()}
    cnn = api.prepare_float(api.load_model(files["cnn"]))
    data = data_for(cnn, 48, seed=5)
    for name, scheme in ((n, s) for n, s in SCHEMES.items() if s.calibrated):
        other = "int8" if scheme.activation.dtype is DType.INT16 else "int16x8"
        try:
            recipe = Recipe.of(scheme, {"conv2d_1": find_scheme(other)}).check(cnn)
        except QuantizationError:
            continue  # said before any work
        graphs[f"{name}_beside"] = quantize(cnn, data, recipe)
    return side_by_side("schemes", graphs)


@pytest.fixture(scope="module")
def firmware(merged, tmp_path_factory):
    """(program, folder) for a core; M4's serves the host as well."""
    made = {}

    def project(core: str):
        if core not in made:
            board = load_board(BOARDS[core])
            compiled = api.compile_graph(merged, board.soc.cpu)
            folder = tmp_path_factory.mktemp(core)
            write_files(emit(compiled.program, compiled.plan, board), folder)
            made[core] = compiled.program, folder
        return made[core]

    return project


def assert_equal(program, session: Session, vectors: int) -> None:
    """On inputs like those of calibration, and beyond their range."""
    dice = np.random.default_rng(6)
    real = [3 * dice.normal(size=(vectors, *program.tensors[name].shape)) for name in program.inputs]
    with session:
        found = verify_on(program, session, program_inputs(program, real), session.name)
    assert found.equal, found.first_difference
    assert found.tensors == vectors * (sum(len(call.outputs) for call in program.calls) + len(program.outputs))


@needs_host
def test_the_host_computes_every_scheme_as_the_simulator(firmware):
    program, folder = firmware("M4")
    assert_equal(program, open_host(build(folder, "host")), VECTORS)


@needs_qemu
@pytest.mark.parametrize("core", BOARDS)
def test_emulated_cores_compute_every_scheme_as_the_simulator(firmware, core):
    program, folder = firmware(core)
    session = open_qemu(load_board(BOARDS[core]), build(folder, "target"), icount=False)
    assert_equal(program, session, ON_CORE_VECTORS)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_scheme_answers_like_the_float_model(files, quantized, scheme):
    """Coarse ones less than fine ones: the bound is for one that computes something else, or a constant."""
    for name, path in files.items():
        graph = api.prepare_float(api.load_model(path))
        arrays = dict(np.load(path.with_suffix(".npz")))
        program = api.compile_graph(quantized[scheme, name], load_board(BOARDS["M4"]).soc.cpu).program
        integers = program_inputs(program, [arrays[each] for each in graph.inputs])
        (found,) = simulate(program, integers)
        real = program.tensors[program.outputs[0]].quant.dequantize(found)
        exact = run(graph, arrays)[graph.outputs[0]]
        mean = exact.mean(axis=0)
        assert sqnr(exact - mean, real.reshape(exact.shape) - mean) > 0, name


def test_the_same_inputs_give_the_same_bytes(files, tmp_path):
    """In another process too, whose sets are ordered differently."""
    one = {"cnn": files["cnn"]}
    here = digests(one, tmp_path / "here")
    paths = json.dumps({name: str(path) for name, path in one.items()})
    result = subprocess.run(
        [sys.executable, "-m", "tests.quant.digests", paths, str(tmp_path / "there")],
        env={**os.environ, "PYTHONHASHSEED": "12345"}, cwd=Path(__file__).parents[2],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    there = json.loads(result.stdout)
    assert there == here
    # some choose the same numbers for this network, as those for training do without it
    assert len(here) == len(SCHEMES) < 2 * len(set(here.values()))
