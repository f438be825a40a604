"""Small models of unusual build: firmware equal to the simulator, the simulator to the reference interpreter."""

from __future__ import annotations

import numpy as np
import pytest

from edgeq import api
from edgeq.errors import ModelError
from edgeq.fixedpoint import Dialect
from edgeq.simulate import simulate, trace
from edgeq.target import load_board
from tests import reference
from tests.passes.net import Net
from tests.tools import needs_host

pytestmark = pytest.mark.xdist_group("boards")
M4 = "mps2-an386"


def no_layers(net: Net):
    """Nothing is left but another name for the input."""
    return net.graph(net.node("RESHAPE", net.input(4, 6), new_shape=(1, 24)))


def deep_reshape(net: Net):
    x = net.node("FULLY_CONNECTED", net.input(24), net.random(24, 24))
    return net.graph(net.node("RESHAPE", x, new_shape=(1, 2, 3, 2, 2)))


def dense_of_higher_rank(net: Net):
    x = net.input(3, 4)
    x = net.node("FULLY_CONNECTED", x, net.random(5, 4), net.random(5), keep_num_dims=True)
    return net.graph(net.node("FULLY_CONNECTED", x, net.random(2, 5), keep_num_dims=True))


def input_among_the_outputs(net: Net):
    x = net.input(4)
    return net.graph(net.node("FULLY_CONNECTED", x, net.random(3, 4)), x)


def a_layer_and_its_inner_output(net: Net):
    x = net.node("FULLY_CONNECTED", net.input(4), net.random(3, 4))
    return net.graph(net.node("MUL", x, x), x)


MODELS = [no_layers, deep_reshape, dense_of_higher_rank, input_among_the_outputs, a_layer_and_its_inner_output]


@pytest.fixture
def calibration(tmp_path):
    def save(graph):
        dice = np.random.default_rng(3)
        path = tmp_path / "calibration.npz"
        np.savez(path, **{n: dice.normal(size=(40, *graph.tensors[n].shape[1:])) for n in graph.inputs})
        return path

    return save


@needs_host
@pytest.mark.parametrize("model", MODELS)
def test_firmware_equals_simulator(model, calibration, tmp_path):
    graph = model(Net())
    project = api.build(graph, M4, calibration=calibration(graph), out=tmp_path / "out", compile=False)
    assert project.verify(on="host", vectors=4).equal
    assert len(project.program.outputs) == len(graph.outputs)


@pytest.mark.parametrize("model", [m for m in MODELS if m is not input_among_the_outputs])
def test_simulator_equals_reference(model, calibration, tmp_path):
    graph = model(Net())
    path = tmp_path / "model.tflite"
    data = calibration(graph)
    api.export(graph, path, calibration=data)
    integer, _ = api.quantize_model(graph, data)
    program = api.compile_graph(integer, load_board(M4).soc.cpu, Dialect.DOUBLE).program
    shape = program.tensors[program.inputs[0]].shape
    x = np.random.default_rng(5).integers(-128, 128, (50, *shape)).astype(np.int8)
    theirs = reference.run(path.read_bytes(), [x])
    ours = {name: y for call, ys in trace(program, [x]) for name, y in zip(call.outputs, ys, strict=True)}
    ours.update(zip(program.outputs, simulate(program, [x]), strict=True))
    assert set(ours) <= set(theirs)
    for name, values in ours.items():
        np.testing.assert_array_equal(values, theirs[name], err_msg=name)


def test_a_constant_output_is_refused(calibration, tmp_path):
    net = Net()
    x = net.node("RELU", net.input(4))
    graph = net.graph(x, net.constant([[1.0, 2.0]]))
    with pytest.raises(ModelError, match="output 'c.*' is a constant.*\n.*leave it out"):
        api.build(graph, M4, calibration=calibration(graph), out=tmp_path / "out", compile=False)
    assert not (tmp_path / "out").exists()
