"""Every scheme that can be trained, by discovery: the forward pass is the firmware's, on every rung.

A convolutional, a depthwise and a dense model are trained for a few steps that move everything. Schemes that differ
only in what is chosen before training count as one.
"""

from __future__ import annotations

import functools
from dataclasses import replace

import keras
import numpy as np
import pytest

from edgeq import api, qat
from edgeq.device.session import open_host, open_qemu
from edgeq.emit import emit, write_files
from edgeq.errors import QuantizationError
from edgeq.ir import DType
from edgeq.quant.recipes import Recipe
from edgeq.quant.schemes import SCHEMES, QuantScheme, Rounding
from edgeq.target import load_board
from edgeq.toolchain.build import build
from edgeq.vectors import program_inputs
from edgeq.verify import verify_on
from tests.merging import side_by_side
from tests.quant.integers import as_integers, trace
from tests.quant.test_every_scheme import make_models
from tests.tools import needs_host, needs_qemu

# one worker trains, all tests read
pytestmark = pytest.mark.xdist_group("qat-schemes")
KINDS = ("cnn", "depthwise", "dense")
BOARDS = {"M4": "mps2-an386", "M55": "mps3-an547", "M0": "mps2-an385-m0"}


def in_training(scheme: QuantScheme) -> QuantScheme:
    """What training sees of a scheme: not how ranges, factors and roundings are chosen before it."""
    ends = None if scheme.ends is None else in_training(scheme.ends)
    before = {"bias_correction": False, "scaling": "", "rounding": Rounding.NEAREST, "clipping": False}
    activation = replace(scheme.activation, algorithm="")
    return replace(scheme, name="", summary="", activation=activation, ends=ends, **before)


def is_trainable(scheme: QuantScheme) -> bool:
    return scheme.weight.is_plain and Recipe(scheme).calibrated


TRAINABLE = {in_training(each): name for name, each in reversed(SCHEMES.items()) if is_trainable(each)}
OTHERS = [name for name, each in SCHEMES.items() if not is_trainable(each)]


@functools.cache
def model_of(kind: str) -> keras.Model:
    return make_models()[kind]


def vectors_for(kind: str, count: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(count, *model_of(kind).input_shape[1:])).astype(np.float32)


@functools.cache
def trained(kind: str, scheme: str) -> qat.QuantizedModel:
    """After steps that move weights, ranges, scales and levels by a percent or so each."""
    keras.utils.set_random_seed(5)
    x = vectors_for(kind, 48, seed=1)
    y = np.random.default_rng(2).uniform(size=(48, *model_of(kind).output_shape[1:])).astype(np.float32)
    model = qat.prepare(model_of(kind), scheme, calibration={"x": x})
    before = [np.array(v) for v in model.weights]
    model.compile(keras.optimizers.Adam(5e-3), "mse", run_eagerly=True)
    model.fit(x, y, epochs=1, batch_size=16, verbose=0)
    assert all(np.any(np.array(now) != then) for now, then in zip(model.trainable_weights, before, strict=False))
    return model


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("scheme", TRAINABLE.values())
def test_the_forward_pass_is_the_integers_of_the_firmware(kind, scheme):
    model = trained(kind, scheme)
    graph = qat.integer_graph(model)
    (output,) = graph.outputs
    x = vectors_for(kind, 300, seed=3)
    found = (
        trace(graph, as_integers(graph, {graph.inputs[0]: x[:, np.newaxis]}))[output].reshape(len(x), -1).astype(int)
    )
    forward = np.asarray(model(x)).reshape(found.shape)
    forward = graph.tensors[output].quant.quantize(forward, graph.tensors[output].dtype).astype(int)
    assert np.unique(found).size > 15
    wide = SCHEMES[scheme].activation.dtype is DType.INT16
    assert np.mean(np.abs(found - forward) <= 1) >= 0.999
    # of 65,536 steps SOFTMAX's tables are off by one now and then
    assert np.mean(found == forward) >= (0.7 if wide else 0.98)
    # random networks have their answers close together
    second, first = np.sort(forward, axis=1)[:, -2:].T
    clear = first - second > 2
    assert clear.mean() > 0.4
    np.testing.assert_array_equal(found[clear].argmax(axis=1), forward[clear].argmax(axis=1))


@pytest.fixture(scope="module")
def merged():
    """A trained model of each scheme, of each kind in turn."""
    chosen = {scheme: KINDS[i % len(KINDS)] for i, scheme in enumerate(TRAINABLE.values())}
    return side_by_side("trained", {s: qat.integer_graph(trained(kind, s)) for s, kind in chosen.items()})


@pytest.mark.parametrize(
    ("core", "rung"),
    [pytest.param("M4", "host", marks=needs_host), *(pytest.param(core, "qemu", marks=needs_qemu) for core in BOARDS)],
)
def test_trained_models_are_equal_on_every_rung(merged, core, rung, tmp_path):
    board = load_board(BOARDS[core])
    compiled = api.compile_graph(merged, board.soc.cpu)
    program = compiled.program
    write_files(emit(program, compiled.plan, board), tmp_path)
    x = [2 * np.random.default_rng(4).normal(size=(2, *program.tensors[name].shape)) for name in program.inputs]
    elf = build(tmp_path, "host" if rung == "host" else "target")
    with open_host(elf) if rung == "host" else open_qemu(board, elf, icount=False) as session:
        found = verify_on(program, session, program_inputs(program, x), session.name)
    assert found.equal, found.first_difference
    assert found.tensors == 2 * (sum(len(call.outputs) for call in program.calls) + len(program.outputs))


@pytest.mark.parametrize("scheme", OTHERS)
def test_a_scheme_that_cannot_be_trained_says_so(scheme):
    with pytest.raises(QuantizationError, match="training knows no weights with|has no ranges to train"):
        qat.prepare(model_of("dense"), scheme, calibration={"x": vectors_for("dense", 4, seed=1)})
