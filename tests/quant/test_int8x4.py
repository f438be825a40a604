"""The scheme int8x4: half of int8's flash for weights, the same results on every rung."""

from __future__ import annotations

import json

import numpy as np

from edgeq import api
from edgeq.importers import load
from edgeq.ir import DType, QuantParams, packed_int4, unpacked_int4
from edgeq.ops.spatial import Padding
from edgeq.passes import prepare_float
from edgeq.quant.evaluate import run
from edgeq.quant.quantize import quantize
from edgeq.quant.schemes import INT8, find_scheme
from edgeq.quant.weights import find_chooser

from ..e2e.zoo import FOLDER, ad_windows, needs_zoo
from ..passes.net import Net
from ..tools import needs_qemu
from .integers import real_outputs, sqnr
from .nets import data_for, mixed_net


def test_values_are_packed_two_to_a_byte_the_first_one_low():
    values = np.array([[1, -1, 7], [-8, 0, 5]], np.int8)
    assert packed_int4(values).tobytes() == bytes([0xF1, 0x87, 0x50])
    odd = np.arange(-8, 7, dtype=np.int8)
    assert packed_int4(odd).size == 8
    np.testing.assert_array_equal(unpacked_int4(packed_int4(odd), (3, 5)), odd.reshape(3, 5))


@needs_zoo
@needs_qemu
def test_weights_take_half_of_the_flash(tmp_path):
    windows = ad_windows()[:, np.newaxis]
    np.savez(tmp_path / "calibration.npz", x=windows)
    model, calibration, out = FOLDER / "ad_float.h5", tmp_path / "calibration.npz", tmp_path / "firmware"
    project = api.build(model, "mps2-an386", calibration=calibration, scheme="int8x4", out=out)
    weights = sum(call.params.weights.size for call in project.program.calls if call.op == "FULLY_CONNECTED")
    constants = json.loads((out / "report.json").read_text())["flash"]["constants"]
    units = sum(call.params.units for call in project.program.calls if call.op == "FULLY_CONNECTED")
    print(f"{weights} weights, {units} units: {constants} bytes of constants in the ELF file")
    assert weights > 250_000
    # a unit's bias and requantization are two to four words
    assert weights // 2 + 8 * units <= constants <= 1.01 * (weights // 2 + 16 * units)
    assert project.verify(on=["qemu"], vectors=2).equal


@needs_zoo
def test_accuracy_beside_int8():
    windows = ad_windows()[:, np.newaxis]
    graph = prepare_float(load(FOLDER / "ad_float.h5"))
    (name,), (output,) = graph.inputs, graph.outputs
    exact = run(graph, {name: windows})[output]
    noise = {}
    for scheme in (INT8, find_scheme("int8x4")):
        found = real_outputs(quantize(graph, {name: windows}, scheme), {name: windows})[output]
        noise[scheme.name] = sqnr(exact, found)
    print(f"SQNR dB {noise}")
    assert noise["int8x4"] > 15
    assert noise["int8"] > noise["int8x4"]


def test_the_range_of_coarse_weights_is_narrower_than_their_largest_magnitude():
    rows = np.random.default_rng(0).normal(size=(4, 500))
    role = find_scheme("int8x4").weight
    chosen = find_chooser("mse")(rows, role)
    largest = np.abs(rows).max(axis=1)

    def error(range_of_row):
        quant = QuantParams(range_of_row / role.high, [0] * 4, 0)
        integers = np.clip(quant.quantize(rows, DType.INT4), role.low, role.high)
        return np.square(quant.dequantize(integers) - rows).sum()

    assert np.all(chosen < 0.9 * largest)
    assert error(chosen) < 0.8 * error(largest)


def test_an_operator_without_int4_weights_gets_int8_ones_and_says_so():
    net = Net(0)
    weights = net.random(2, 3, 3, 3)
    shape = net.constant([1, 12, 12, 2], np.int32)
    x = net.node("TRANSPOSE_CONV", shape, weights, net.input(6, 6, 3), stride=(2, 2), padding=Padding.SAME, name="up")
    graph = prepare_float(net.graph(x))
    integer = quantize(graph, data_for(graph), find_scheme("int8x4"))
    (node,) = integer.nodes
    assert integer.tensors[node.inputs[1]].dtype is DType.INT8
    assert "up: TRANSPOSE_CONV takes int8 weights only" in integer.metadata["notes"]


def test_weights_are_int4_in_every_layer_of_a_network():
    integer = quantize(mixed_net(), data_for(mixed_net()), find_scheme("int8x4"))
    kinds = {n.op: integer.tensors[n.inputs[1]].dtype for n in integer.nodes if len(n.inputs) == 3}
    assert kinds == dict.fromkeys(("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED"), DType.INT4)
