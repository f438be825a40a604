"""What calibration data leave in doubt is said, and nothing where all is well."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from edgeq.ir import Graph
from edgeq.quant.quantize import NOTES, quantize
from edgeq.quant.schemes import INT8, QuantScheme
from tests.passes.net import Net

from .nets import data_for, mixed_net


def notes(graph: Graph, data: dict[str, np.ndarray], scheme: QuantScheme = INT8) -> list[str]:
    return quantize(graph, data, scheme).metadata[NOTES].splitlines()


def test_good_data_leave_no_doubt():
    assert notes(mixed_net(), data_for(mixed_net())) == []


def test_few_samples():
    assert notes(mixed_net(), data_for(mixed_net(), 31)) == [
        "calibrated on 31 samples only: some hundred typical ones give better ranges"
    ]


def test_inputs_that_never_change():
    data = data_for(mixed_net())
    data["in0"][:, :, 2:] = 0.5
    (line,) = notes(mixed_net(), data)
    assert line.startswith("input 'in0': 72 of 108 elements are the same in every calibration vector")


def test_a_layer_that_is_never_active():
    net = Net()
    x = net.node("RELU", net.node("FULLY_CONNECTED", net.input(4), net.random(3, 4), net.constant([-99.0] * 3)))
    graph = net.graph(net.node("FULLY_CONNECTED", x, net.random(2, 3), net.random(2), name="last"))
    (line,) = notes(graph, data_for(graph))
    assert line == f"{x}: nothing but 0 on the calibration data; its range is a guess"


def test_values_beyond_their_range():
    """The outermost 5 % saturate by the observer's choice: ten times what passes without a word."""
    scheme = replace(INT8, activation=replace(INT8.activation, algorithm="percentile:90"))
    lines = notes(mixed_net(), data_for(mixed_net(), 64), scheme)
    shares = {line.split(":")[0]: float(line.split()[1]) for line in lines if "beyond its range" in line}
    assert 9 < shares["in0"] < 11
