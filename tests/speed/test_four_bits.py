"""Instructions of layers with int4 weights, and with weights in blocks, beside those of the same layers in int8, on an
emulated M4."""

from __future__ import annotations

import math

import pytest

from ..tools import needs_qemu
from .layers import CONVOLUTIONS, DENSE, M4, Key, counted, quantized

LAYERS = {**CONVOLUTIONS, **DENSE}
#: What taking four weights apart costs weighs where sums are short, that of the inputs where there are few channels.
FEW_INPUTS = {"pointwise_narrow"}
#: Those that int8 has no kernel of its own for.
FASTER = {"pixel", "dense_100_1", "dense_10_3", "dense_3_16"}
#: Windows of several runs whose bytes fill no words: their blocks run by a kernel without tiles of pixels.
RAGGED = {"odd"}
BLOCKS = ("q8_0", "q4_0", "q4_1", "affine-weights")


@pytest.fixture(scope="module")
def instructions(tmp_path_factory) -> dict[Key, int]:
    graphs = quantized(LAYERS, ("int8", "int8x4")) | quantized(CONVOLUTIONS, BLOCKS)
    return counted(graphs, M4, tmp_path_factory.mktemp("speed"))


@needs_qemu
@pytest.mark.parametrize("layer", LAYERS)
def test_int4_weights_take_little_more_instructions_than_int8_ones(instructions, layer):
    most = 1.37 if layer in FEW_INPUTS else 1 if layer in FASTER else 1.13 if layer in CONVOLUTIONS else 1.25
    assert instructions[layer, "int8x4"] <= most * instructions[layer, "int8"]
    if layer == "wide":
        assert instructions[layer, "int8x4"] < instructions[layer, "int8"]


@needs_qemu
@pytest.mark.parametrize("scheme", BLOCKS)
@pytest.mark.parametrize("layer", [name for name in CONVOLUTIONS if name not in RAGGED])
def test_blocks_take_at_most_twice_the_instructions_of_int8(instructions, layer, scheme):
    is_short = math.prod(LAYERS[layer].weights[1:]) <= 16  # a result of so few inputs is mostly its end
    assert instructions[layer, scheme] <= (2.7 if is_short else 2) * instructions[layer, "int8"]
