"""Instructions of ternary, binary and XNOR layers beside those of the same layers in int8, on an emulated M55.

In a convolution the sums of four channels that share bytes have to be taken apart, six instructions for two pixels;
dense layers take eight units at a time, which pays from some units on. Of signs every window is copied.
"""

from __future__ import annotations

import math

import pytest

from edgeq.target import load_board

from ..tools import needs_qemu
from .test_narrow_speed import CONVOLUTIONS, DENSE, counted

SCHEMES = pytest.mark.parametrize("scheme", ["ternary", "binary"])
MANY_UNITS = 32


@pytest.fixture(scope="module")
def instructions(tmp_path_factory) -> dict[tuple[str, str], int]:
    return counted(load_board("mps3-an547"), ("int8", "ternary", "binary", "xnor"), tmp_path_factory.mktemp("speed"))


@needs_qemu
@SCHEMES
@pytest.mark.parametrize("layer", CONVOLUTIONS)
def test_convolutions_take_hardly_more_instructions_than_those_of_int8(instructions, layer, scheme):
    (*_, channels), (_, *kernel), _ = CONVOLUTIONS[layer]
    most = 1.04 if math.prod(kernel) * channels > 64 else 1.2
    assert instructions[layer, scheme] <= most * instructions[layer, "int8"]


@needs_qemu
@pytest.mark.parametrize("layer", (*CONVOLUTIONS, *DENSE))
def test_signs_by_signs_take_little_longer_than_bytes_by_bytes_and_their_copying(instructions, layer):
    pairs = 1
    if layer in CONVOLUTIONS:
        (height, width, _), _, stride = CONVOLUTIONS[layer]
        pairs = math.ceil(height / stride) * math.ceil(width / stride) / 2
    assert instructions[layer, "xnor"] <= 1.25 * instructions[layer, "int8"] + 450 * pairs


@needs_qemu
@SCHEMES
@pytest.mark.parametrize("layer", DENSE)
def test_dense_layers_of_many_units_take_fewer_instructions_than_those_of_int8(instructions, layer, scheme):
    _, units = DENSE[layer]
    assert instructions[layer, scheme] < instructions[layer, "int8"] + (0 if units >= MANY_UNITS else 80)
