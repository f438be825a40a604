"""Activations of few bits: how a file says it, and how the firmware computes it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from edgeq import api
from edgeq.exporters.tflite import export_tflite
from edgeq.importers import load
from edgeq.ir import DType, QuantParams, Tensor, frozen_array
from edgeq.ops.base import Activation, Limited, activation_range
from edgeq.passes import apply
from edgeq.passes.fuse_limits import fuse_limits
from edgeq.quant.ends import ends_of
from edgeq.quant.quantize import quantize
from edgeq.quant.schemes import find_scheme
from tests.passes.net import Net, ops

from .integers import as_integers, assert_reference_agrees, trace
from .nets import data_for, mixed_net


@pytest.fixture(scope="module")
def few():
    """A network with 4-bit activations, as a file would have it."""
    return quantize(mixed_net(), data_for(mixed_net()), find_scheme("lsq4"))


def test_every_result_but_the_ends_stays_within_16_integers(few):
    data = data_for(mixed_net(), 200, seed=8)
    found = trace(few, as_integers(few, data))
    assert few.outputs == mixed_net().outputs
    for name in ("conv", "depthwise", "pointwise", "flat"):
        assert (found[name].min(), found[name].max()) == (-8, 7)
    assert found["dense"].max() > 7 and found["logits"].max() > 7
    assert_reference_agrees(few, {name: array[:8] for name, array in data.items()})


def test_limits_become_part_of_the_layers_and_no_integer_changes(few):
    fused = apply(few, (fuse_limits,))
    assert "MINIMUM" in ops(few) and not {"MINIMUM", "MAXIMUM"} & set(ops(fused))
    inputs = as_integers(few, data_for(mixed_net(), 50, seed=8))
    before, after = trace(few, inputs), trace(fused, inputs)
    for name in after:
        np.testing.assert_array_equal(after[name], before[name])


def test_from_a_file_they_become_part_of_the_firmware(few, tmp_path):
    (tmp_path / "few.tflite").write_bytes(export_tflite(few))
    assert ops(load(tmp_path / "few.tflite")).count("MINIMUM") == 3
    project = api.build(tmp_path / "few.tflite", "mps2-an386", out=tmp_path / "firmware", compile=False)
    assert [call.op for call in project.program.calls] == [
        "CONV_2D", "DEPTHWISE_CONV_2D", "CONV_2D", "FULLY_CONNECTED", "FULLY_CONNECTED", "SOFTMAX",
    ]  # fmt: skip
    assert project.program.calls[0].params.activation_max == 7
    assert project.verify(on="host", vectors=4).equal


def integer_net(*, shared: bool = False, limit=(3,), own_scale: bool = False):
    """ADD and a MINIMUM behind it, int8."""
    net = Net(0)
    y = net.node("ADD", net.input(4), net.random(4), name="sum")
    z = net.node("MINIMUM", y, net.constant(np.float32(limit)), name="least")
    graph = net.graph(z, *([y] if shared else []))
    quant = QuantParams(0.5, -3)
    tensors = [
        Tensor(t.name, t.shape, DType.INT8, quant, None if t.data is None else frozen_array(t.data, np.int8))
        for t in graph.tensors.values()
    ]
    if own_scale:
        tensors = [replace(t, quant=QuantParams(0.25, -3)) if t.name == "least" else t for t in tensors]
    return graph.rewrite(tensors=tensors)


@pytest.mark.parametrize(
    ("options", "fuses"),
    [({}, True), ({"limit": (3, 3, 3, 3)}, True), ({"limit": (3, 3, 3, 4)}, False), ({"shared": True}, False),
     ({"own_scale": True}, False)],
)  # fmt: skip
def test_only_one_limit_for_all_of_a_result_that_nothing_else_reads(options, fuses):
    assert ops(fuse_limits(integer_net(**options))) == (["ADD"] if fuses else ["ADD", "MINIMUM"])


def test_limits_behind_one_another_are_one():
    """Any order, contradictions included: as the clamps one after the other."""
    rng = np.random.default_rng(0)
    values = np.arange(-20, 21)
    for _ in range(300):
        limited, clamped = Activation.NONE, values
        for _ in range(rng.integers(1, 4)):
            low, high = (None if rng.random() < 0.3 else int(rng.integers(-12, 12)) for _ in range(2))
            limited = limited.within(low, high)
            clamped = clamped if low is None else np.maximum(clamped, low)
            clamped = clamped if high is None else np.minimum(clamped, high)
        assert isinstance(limited, Limited)
        np.testing.assert_array_equal(np.clip(values, *limited.clamp(-20, 20)), clamped)


def test_a_fused_activation_counts_before_the_limits():
    assert activation_range(Activation.RELU6.within(-7, 7), 0.5, -4) == (-4, 7)
    assert activation_range(Activation.RELU6.within(None, 20), 0.5, -4) == (-4, 8)


def test_the_ends_of_networks():
    graph = mixed_net()
    found = ends_of(graph)
    assert found.weights == {"conv", "logits"}
    assert found.activations == {"dense", "logits", "probabilities"}


def test_the_ends_of_a_network_with_branches():
    net = Net(0)

    def dense(x, name, units=4):
        return net.node("FULLY_CONNECTED", x, net.random(units, 4), net.random(units), name=name)

    a = dense(net.input(4), "first")
    b = dense(net.input(4), "other_first")
    middle = dense(net.node("ADD", a, b, name="sum"), "middle")
    both = net.node("ADD", middle, a, name="both")
    graph = net.graph(dense(middle, "head"), net.node("RELU", dense(both, "other_head"), name="relu"))
    found = ends_of(graph)
    assert found.weights == {"first", "other_first", "head", "other_head"}
    # "first" is read by "middle" too, which is no end
    assert found.activations == {"middle", "both", "head", "other_head", "relu"}


def test_a_lone_layer_is_an_end():
    net = Net(0)
    graph = net.graph(net.node("FULLY_CONNECTED", net.input(4), net.random(3, 4), net.random(3), name="only"))
    assert ends_of(graph).weights == {"only"}
