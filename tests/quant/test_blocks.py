"""Weights in blocks and with zero points: finer than one scale per channel, at the price that the ELF file shows."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from edgeq import api
from edgeq.errors import QuantizationError
from edgeq.fixedpoint import Dialect
from edgeq.importers import load
from edgeq.ir import DType, Graph
from edgeq.ops import find_op
from edgeq.ops.base import Activation
from edgeq.passes import prepare_float
from edgeq.quant.blocks import MAX_SCALE, SIZE, Blocked, best_blocks, block_params, squared
from edgeq.quant.evaluate import run
from edgeq.quant.quantize import quantize
from edgeq.quant.recipes import parse_recipe
from edgeq.quant.schemes import INT8, Granularity, QuantScheme, RoleScheme, Rounding, find_scheme
from edgeq.quant.weights import quantize_weights, weight_params

from ..e2e.zoo import FOLDER, ad_windows, needs_zoo
from ..passes.net import Net
from ..tools import needs_qemu
from .integers import real_outputs, sqnr
from .nets import data_for, mixed_net
from .test_channel_scaling import with_outliers

BLOCK_SCHEMES = ("q8_0", "q4_0", "q4_1")


def restored(weights: np.ndarray, role: RoleScheme) -> np.ndarray:
    params = weight_params(weights, 0, role)
    return params.dequantize(quantize_weights(weights, params, role))


def uneven(seed: int = 0) -> np.ndarray:
    """Channels whose parts differ in size."""
    rng = np.random.default_rng(seed)
    return (rng.normal(size=(6, 4, 5, 5)) * np.exp2(rng.uniform(-5, 0, (6, 4, 5, 1)))).astype(np.float32)


@pytest.mark.parametrize("name", BLOCK_SCHEMES)
def test_blocks_come_closer_than_channels(name):
    weights, role = uneven(), find_scheme(name).weight
    channels = find_scheme("int8x4").weight if role.dtype is DType.INT4 else INT8.weight
    fine, coarse = (np.square(restored(weights, r) - weights).sum() for r in (role, channels))
    assert fine < 0.7 * coarse


@pytest.mark.parametrize("name", BLOCK_SCHEMES)
def test_a_weight_is_off_by_half_a_step_of_its_block_and_of_its_scale(name):
    """Half a code (of Q4_0 a whole one, opposite the extreme), and what rounding the scale takes away at the end."""
    role = replace(find_scheme(name).weight, algorithm="abs-max")
    weights = uneven(1)
    params = block_params(weights, role)
    assert np.abs(params.blocks.scales).max() == MAX_SCALE and params.blocks.size == SIZE
    assert params.blocks.scales.shape == (6, 4)  # 100 weights: the last block has four
    codes = quantize_weights(weights, params, role)
    error = np.abs(params.dequantize(codes) - weights).reshape(6, -1)
    unit = params.scale[:, np.newaxis].astype(np.float64)
    steps = np.abs(params.blocks.spread(params.blocks.scales.astype(np.float64), 100))
    furthest = max(-role.low, role.high) + (0 if role.symmetric else role.high - role.low)
    share = 0.5 if name != "q4_0" else 1.0
    assert np.all(error <= unit * (steps * share + furthest / 2 + 1) * 1.0001)


def test_the_largest_weight_of_a_q4_0_block_has_the_one_more_code():
    role = replace(find_scheme("q4_0").weight, algorithm="abs-max")
    weights = np.zeros((2, SIZE), np.float32)
    weights[0, :2], weights[1, :2] = (8.0, -7.0), (-8.0, 7.0)
    params = block_params(weights, role)
    codes = quantize_weights(weights, params, role)
    assert params.blocks.scales[:, 0].tolist() == [-MAX_SCALE, MAX_SCALE]
    assert codes[:, :2].tolist() == [[-8, 7], [-8, 7]]


def test_searching_scales_costs_no_more_than_not():
    weights, role = uneven(2), find_scheme("q4_1").weight
    blocked, unit = Blocked.of(weights), block_params(weights, role).scale
    costs = []
    for fractions in ((1.0,), (1.0, 0.9, 0.8, 0.7)):
        blocks = best_blocks(blocked, unit, role, np.array(fractions), squared)
        quant = replace(block_params(weights, role), blocks=blocks)
        costs.append(np.square(quant.dequantize(quantize_weights(weights, quant, role)) - weights).sum())
    assert costs[1] < costs[0]


@pytest.mark.parametrize("name", BLOCK_SCHEMES)
@pytest.mark.parametrize("values", [0.0, 1.0, -1e-38, 1e30], ids=str)
def test_weights_that_are_all_the_same(name, values):
    weights = np.full((3, 40), values, np.float32)
    found = restored(weights, find_scheme(name).weight)
    assert np.isfinite(found).all()
    np.testing.assert_allclose(found, weights, rtol=0.01, atol=1e-30)


@pytest.mark.parametrize("name", BLOCK_SCHEMES)
def test_long_sums_have_coarser_scales_that_int32_holds(name):
    net = Net(0)
    graph = net.graph(net.node("FULLY_CONNECTED", net.input(12000), net.constant(np.ones((2, 12000))), name="dense"))
    integer = quantize(graph, data_for(graph), find_scheme(name))
    (node,) = integer.nodes
    lowered = find_op(node.op).lower(node, integer, Dialect.DOUBLE)
    assert 1 << 28 < lowered.accumulator_bound < 1 << 31


def test_a_block_is_no_better_than_its_layer_allows():
    """Depthwise filters and transposed convolutions keep int8 per channel, and it is said."""
    integer = quantize(mixed_net(), data_for(mixed_net()), find_scheme("q4_0"))
    assert "depthwise: DEPTHWISE_CONV_2D takes no weights with blocks" in integer.metadata["notes"]
    kinds = {n.op: integer.tensors[n.inputs[1]] for n in integer.nodes if len(n.inputs) == 3}
    assert kinds["DEPTHWISE_CONV_2D"].dtype is DType.INT8 and kinds["DEPTHWISE_CONV_2D"].quant.is_plain
    assert kinds["CONV_2D"].dtype is DType.INT4 and kinds["FULLY_CONNECTED"].quant.blocks.size == SIZE


def one_sided(seed: int = 0) -> Graph:
    """Two dense layers whose weights are nearly all positive."""
    net = Net(seed)
    x = net.input(32)
    for name, units in (("a", 24), ("b", 8)):
        depth = net.tensors[x].shape[-1]
        w = np.abs(net.rng.normal(size=(units, depth))) / depth
        x = net.node("FULLY_CONNECTED", x, net.constant(w), net.random(units), name=name, activation=Activation.NONE)
    return net.graph(x)


def noise(graph: Graph, scheme: QuantScheme, seed: int = 8) -> float:
    """SQNR in dB on data that calibration has not seen."""
    integer = quantize(graph, data_for(graph), scheme)
    data = data_for(graph, 200, seed=seed)
    (name,) = graph.outputs
    return sqnr(run(graph, data)[name], real_outputs(integer, data)[name])


@pytest.mark.parametrize("granularity", [Granularity.PER_CHANNEL, Granularity.PER_TENSOR])
def test_zero_points_help_weights_on_one_side_of_0(granularity):
    """With four bits, so that weights matter beside activations: half the step, a quarter of the squared error."""
    symmetric = RoleScheme(DType.INT4, -7, 7, True, granularity, "abs-max")
    affine = RoleScheme(DType.INT4, -8, 7, False, granularity, "abs-max")
    plain, better = (noise(one_sided(), replace(INT8, weight=role)) for role in (symmetric, affine))
    assert better > plain + 1
    weights = next(t.data for t in one_sided().tensors.values() if t.data is not None and t.shape == (24, 32))
    lost = [np.square(restored(weights, role) - weights).sum() for role in (symmetric, affine)]
    assert 3 < lost[0] / lost[1] < 6


def test_a_zero_point_stands_for_0_and_ranges_contain_it():
    role = find_scheme("affine-weights").weight
    rng = np.random.default_rng(0)
    for weights in (rng.uniform(1, 2, (4, 30)), rng.uniform(-2, -1, (4, 30)), rng.normal(size=(4, 30))):
        params = weight_params(weights.astype(np.float32), 0, role)
        assert np.all((params.zero_point >= -128) & (params.zero_point <= 127))
        assert not params.dequantize(params.zero_point[:, np.newaxis].astype(np.int8)).any()
        assert np.abs(restored(weights.astype(np.float32), role) - weights).max() <= params.scale.max() * 1.001


# Of each network what 4 bits per channel have, what grouped ones must have more, and awq: margins, in dB.
MARGINS = {"mixed": (mixed_net, 3.0, 5.0), "outliers": (with_outliers, 0.2, 8.0)}


@pytest.mark.parametrize("network", MARGINS)
def test_blocks_and_awq_beat_four_bits_per_channel(network):
    make, grouped, aware = MARGINS[network]
    found = {name: noise(make(), find_scheme(name)) for name in ("int8x4", "q4_0", "q4_1", "awq", "awq-adaptive")}
    print(network, {name: round(value, 1) for name, value in found.items()})
    assert max(found["q4_0"], found["q4_1"]) > found["int8x4"] + grouped
    assert found["awq"] > found["int8x4"] + aware


@needs_zoo
def test_blocks_and_awq_beat_four_bits_per_channel_on_the_anomaly_detector():
    windows = ad_windows()[:, np.newaxis]
    graph = prepare_float(load(FOLDER / "ad_float.h5"))
    (name,), (output,) = graph.inputs, graph.outputs
    calibration, data = {name: windows[::2]}, {name: windows[1::2]}
    exact = run(graph, data)[output]
    found = {
        scheme: sqnr(exact, real_outputs(quantize(graph, calibration, find_scheme(scheme)), data)[output])
        for scheme in ("int8", "int8x4", "q4_0", "q4_1", "awq", "awq-adaptive")
    }
    print(f"SQNR dB {found}")
    assert found["q4_0"] > found["int8x4"] + 2 and found["q4_1"] > found["int8x4"] + 3
    assert found["awq"] > found["int8x4"] + 4 and found["awq-adaptive"] > found["awq"] + 1


@needs_zoo
@needs_qemu
@pytest.mark.parametrize(("scheme", "bytes_of_a_block"), [("q8_0", 33), ("q4_1", 19)])
def test_flash_holds_blocks_and_nothing_twice(tmp_path, scheme, bytes_of_a_block):
    """Per block its codes, a scale of one byte and, of q4_1, a minimum of two, measured in the ELF file."""
    np.savez(tmp_path / "calibration.npz", x=ad_windows()[:, np.newaxis])
    project = api.build(
        FOLDER / "ad_float.h5", "mps2-an386", calibration=tmp_path / "calibration.npz", scheme=scheme,
        out=tmp_path / "firmware",
    )  # fmt: skip
    dense = [call.params for call in project.program.calls if call.op == "FULLY_CONNECTED"]
    # the layer of 8 inputs has a block that is mostly not there
    blocks = sum(p.weights.size for p in dense) / SIZE
    rest = sum(12 * p.units for p in dense)
    constants = project.report()["flash"]["constants"]
    print(f"{scheme}: {blocks} blocks, {rest} bytes of biases and factors: {constants} bytes of constants")
    assert blocks * bytes_of_a_block + rest <= constants <= 1.01 * (blocks * bytes_of_a_block + rest)
    assert project.verify(on=["qemu"], vectors=2).equal


def test_impossible_combinations_are_refused_at_once():
    for options, message in (
        ({"scheme": "int16x8", "granularity": "per block"}, "int8 activations, not int16"),
        ({"scheme": "int8", "clipping": "results"}, "weights in blocks"),
        ({"scheme": "q4_0", "clipping": "sideways"}, "unknown clipping"),
        ({"scheme": "awq", "granularity": "per channel"}, "weights in blocks"),
    ):
        with pytest.raises(QuantizationError, match=message):
            parse_recipe(options)
    found = parse_recipe({"scheme": "int8x4", "granularity": "per block", "clipping": "results"}).default
    assert found.weight.granularity is Granularity.PER_BLOCK and found.clipping
    assert parse_recipe({"scheme": "awq", "rounding": "adaptive"}).default.rounding is Rounding.ADAPTIVE
    with pytest.raises(QuantizationError, match="activations have one scale"):
        replace(INT8, activation=replace(INT8.activation, granularity=Granularity.PER_CHANNEL))
