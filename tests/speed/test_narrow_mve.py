"""Instructions of ternary, binary and XNOR layers beside those of the same layers in int8, on an emulated M55.

In a convolution the sums of four channels that share bytes have to be taken apart, six instructions for two pixels;
dense layers take eight units at a time, which pays from some units on. Of signs every window is copied.
"""

from __future__ import annotations

import math

import pytest

from ..tools import needs_qemu
from .layers import CONVOLUTIONS, DENSE, M55, Key, counted, quantized

LAYERS = {**CONVOLUTIONS, **DENSE}
SCHEMES = pytest.mark.parametrize("scheme", ["ternary", "binary"])
MANY_UNITS = 32


@pytest.fixture(scope="module")
def instructions(tmp_path_factory) -> dict[Key, int]:
    graphs = quantized(LAYERS, ("int8", "ternary", "binary", "xnor"))
    return counted(graphs, M55, tmp_path_factory.mktemp("speed"))


@needs_qemu
@SCHEMES
@pytest.mark.parametrize("layer", CONVOLUTIONS)
def test_convolutions_take_hardly_more_instructions_than_those_of_int8(instructions, layer, scheme):
    most = 1.04 if math.prod(LAYERS[layer].weights[1:]) > 64 else 1.2
    assert instructions[layer, scheme] <= most * instructions[layer, "int8"]


@needs_qemu
@pytest.mark.parametrize("layer", LAYERS)
def test_signs_by_signs_take_little_longer_than_bytes_by_bytes_and_their_copying(instructions, layer):
    pairs = 1
    if layer in CONVOLUTIONS:
        height, width, _ = LAYERS[layer].image
        down, right = LAYERS[layer].options["stride"]
        pairs = math.ceil(height / down) * math.ceil(width / right) / 2
    assert instructions[layer, "xnor"] <= 1.25 * instructions[layer, "int8"] + 450 * pairs


@needs_qemu
@SCHEMES
@pytest.mark.parametrize("layer", DENSE)
def test_dense_layers_of_many_units_take_fewer_instructions_than_those_of_int8(instructions, layer, scheme):
    units = LAYERS[layer].weights[0]
    assert instructions[layer, scheme] < instructions[layer, "int8"] + (0 if units >= MANY_UNITS else 80)
