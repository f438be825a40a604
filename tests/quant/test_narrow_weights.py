"""The schemes ternary and binary: 2 bits and one bit per weight in flash, the same results on every rung."""

from __future__ import annotations

import itertools
import json

import numpy as np
import pytest

from edgeq import api
from edgeq.errors import QuantizationError
from edgeq.exporters.tflite import export_tflite
from edgeq.importers import load
from edgeq.ir import DType, QuantParams
from edgeq.kernels.packing import packed_bits, packed_ternary
from edgeq.quant.quantize import quantize
from edgeq.quant.recipes import parse_recipe
from edgeq.quant.schemes import find_scheme
from edgeq.quant.weights import find_chooser, quantize_weights, weight_params

from ..e2e.zoo import FOLDER, ad_windows, needs_zoo
from ..tools import needs_qemu
from .nets import data_for, mixed_net


def test_ternary_weights_are_packed_four_to_a_byte_binary_ones_eight():
    assert packed_ternary(np.array([[-1, 0, 1], [1, 0, 1]], np.int8)).tobytes() == bytes([0b10100100, 0b1001])
    signs = np.array([1, -1, -1, 1, 1, 1, -1, 1, -1, 1], np.int8)
    assert packed_bits(signs > 0).tobytes() == bytes([0b10111001, 0b10])


@pytest.mark.parametrize("seed", range(4))
def test_no_scale_and_threshold_of_ternary_weights_err_less(seed):
    """Against every choice of weights and the best scale for it."""
    row = np.random.default_rng(seed).normal(size=(1, 7)) * [1, 1, 1, 0.3, 3, 1, 0.1]
    role = find_scheme("ternary").weight
    params = weight_params(row.astype(np.float32), 0, role)
    found = np.square(params.dequantize(quantize_weights(row.astype(np.float32), params, role)) - row).sum()

    def least_error(choice: tuple[int, ...]) -> float:
        t = np.array(choice, float)
        scale = max(float(row[0] @ t) / max(float(t @ t), 1.0), 0.0)
        return float(np.square(scale * t - row[0]).sum())

    best = min(map(least_error, itertools.product((-1, 0, 1), repeat=7)))
    assert found == pytest.approx(best, rel=1e-5)


def test_binary_weights_are_signs_times_their_mean_magnitude():
    weights = np.array([[0.5, -1.5, 0.0, 2.0], [-0.0, -3.0, 1.0, -1.0]], np.float32)
    role = find_scheme("binary").weight
    params = weight_params(weights, 0, role)
    np.testing.assert_array_equal(params.scale, np.float32([1.0, 1.25]))
    np.testing.assert_array_equal(quantize_weights(weights, params, role), [[1, -1, 1, 1], [1, -1, 1, -1]])


def test_rows_without_weights_have_a_scale():
    for name in ("ternary", "mean"):
        assert find_chooser(name)(np.zeros((2, 3)), find_scheme("ternary").weight).tolist() == [0, 0]
    zeros = np.zeros((2, 3), np.float32)
    assert weight_params(zeros, 0, find_scheme("binary").weight) == QuantParams([1, 1], [0, 0], 0)


@pytest.mark.parametrize("name", ["ternary", "binary"])
def test_the_first_the_last_and_depthwise_layers_keep_int8(name):
    integer = quantize(mixed_net(), data_for(mixed_net()), find_scheme(name))
    kinds = {n.loc: integer.tensors[n.inputs[1]].dtype.value for n in integer.nodes if len(n.inputs) == 3}
    assert kinds == {"conv": "int8", "depthwise": "int8", "pointwise": name, "dense": name, "logits": "int8"}
    assert f"{name} weights without training" in integer.metadata["notes"]
    assert "(pointwise, dense)" in integer.metadata["notes"]


def test_a_rule_of_a_recipe_keeps_nothing():
    recipe = parse_recipe({"scheme": "int8", "layer": [{"match": ".*", "scheme": "ternary"}]})
    integer = quantize(mixed_net(), data_for(mixed_net()), recipe)
    kinds = {n.op: integer.tensors[n.inputs[1]].dtype for n in integer.nodes if len(n.inputs) == 3}
    assert kinds == dict.fromkeys(("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED"), DType.TERNARY)


def test_signs_cannot_be_rounded_adaptively():
    with pytest.raises(QuantizationError, match="binary weights are signs") as raised:
        parse_recipe({"scheme": "binary", "rounding": "adaptive"})
    assert raised.value.where == "recipe"


@pytest.mark.parametrize("name", ["int8", "ternary", "binary"])
def test_a_file_that_edgeq_wrote_keeps_the_type_of_weights(name, tmp_path):
    integer = quantize(mixed_net(), data_for(mixed_net()), find_scheme(name))
    (tmp_path / "model.tflite").write_bytes(export_tflite(integer))
    again = load(tmp_path / "model.tflite")
    kinds = [[g.tensors[n.inputs[1]].dtype for n in g.nodes if len(n.inputs) == 3] for g in (integer, again)]
    assert len(kinds[0]) == 5 and kinds[0] == kinds[1]
    for mine, theirs in zip(integer.nodes, again.nodes, strict=True):
        if len(mine.inputs) == 3:
            np.testing.assert_array_equal(integer.tensors[mine.inputs[1]].data, again.tensors[theirs.inputs[1]].data)


@needs_zoo
@needs_qemu
@pytest.mark.parametrize(("name", "per_byte"), [("ternary", 4), ("binary", 8)])
def test_weights_take_their_bits_of_the_flash(name, per_byte, tmp_path):
    np.savez(tmp_path / "calibration.npz", x=ad_windows()[:64, np.newaxis])
    model, calibration, out = FOLDER / "ad_float.h5", tmp_path / "calibration.npz", tmp_path / "firmware"
    project = api.build(model, "mps2-an386", calibration=calibration, scheme=name, out=out)
    dense = [call for call in project.program.calls if call.op == "FULLY_CONNECTED"]
    inner = sum(call.params.weights.size for call in dense if call.params.weight_type == name)
    outer = sum(call.params.weights.size for call in dense if call.params.weight_type == "int8")
    constants = json.loads((out / "report.json").read_text())["flash"]["constants"]
    units = sum(call.params.units for call in dense)
    weights = inner // per_byte + outer
    print(
        f"{inner} {name} weights and {outer} of int8 of {units} units: {constants} bytes of constants in the ELF file"
    )
    assert inner > 100_000
    # beside them a bias and two or three words of requantization
    assert weights + 12 * units <= constants <= 1.002 * (weights + 16 * units)
    assert project.verify(on=["qemu"], vectors=2).equal
