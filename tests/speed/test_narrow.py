"""Instructions of layers with ternary and binary weights beside those of the same layers in int8, on an emulated M4."""

from __future__ import annotations

import pytest

from ..tools import needs_qemu
from .layers import CONVOLUTIONS, DENSE, M4, VALID, Key, convolution, counted, depthwise, quantized

EVERYWHERE = {**CONVOLUTIONS, **DENSE}
#: Of few inputs or results, for signs alone.
OF_SIGNS = {
    "grey": convolution((8, 8, 1), (8, 3, 3)),
    "grey_inside": convolution((12, 12, 1), (16, 3, 3), padding=VALID),
    "grey_large": convolution((12, 12, 1), (6, 5, 5)),
    "grey_large_inside": convolution((12, 12, 1), (6, 5, 5), padding=VALID),
    "grey_strided": convolution((14, 14, 1), (8, 3, 3), 2),
    "grey_two": convolution((8, 8, 1), (2, 3, 3)),
    "grey_one": convolution((8, 8, 1), (1, 3, 3)),
    "grey_points": convolution((8, 8, 1), (8, 1, 1)),
    "grey_points_two": convolution((8, 8, 1), (2, 1, 1)),
    "grey_line": convolution((1, 32, 1), (8, 1, 5)),
    "spectrogram": convolution((25, 10, 1), (8, 10, 4), 2),
    "colours_strided": convolution((16, 16, 3), (8, 3, 3), 2),
    "colours_large": convolution((10, 10, 3), (8, 5, 5)),
    "colours_inside": convolution((8, 8, 3), (16, 3, 3), padding=VALID),
    "colours_points": convolution((8, 8, 3), (8, 1, 1)),
    "two_channels": convolution((8, 8, 2), (8, 3, 3)),
    "four_channels": convolution((8, 8, 4), (8, 3, 3)),
    "five_points": convolution((8, 8, 5), (8, 1, 1)),
    "five_points_two": convolution((8, 8, 5), (2, 1, 1)),
    "eight_points_two": convolution((8, 8, 8), (2, 1, 1)),
    "many_points_two": convolution((8, 8, 64), (2, 1, 1)),
    "line": convolution((1, 16, 12), (8, 1, 3)),
    "lines": convolution((8, 8, 12), (12, 1, 3)),
    "lines_inside": convolution((8, 8, 12), (12, 1, 3), padding=VALID),
    "two": convolution((8, 8, 16), (2, 3, 3)),
    "two_squares": convolution((7, 7, 16), (2, 2, 2), 2, VALID),
    "few_two": convolution((6, 6, 4), (2, 3, 3)),
    "tiny": convolution((3, 3, 4), (4, 3, 3)),
    "tiny_grey": convolution((4, 4, 1), (2, 3, 3), padding=VALID),
    "columns": convolution((9, 2, 9), (7, 4, 1)),
}
#: Of few results, or of any sign, for weights alone.
OF_WEIGHTS = {
    "narrow_two": convolution((5, 5, 4), (2, 3, 3)),
    "narrow_deep": convolution((5, 5, 16), (2, 3, 3)),
    "narrow_colours": convolution((5, 5, 3), (2, 3, 3)),
    "narrow_grey": convolution((5, 5, 1), (2, 3, 3)),
    "narrow_three": convolution((5, 5, 5), (3, 1, 1)),
    "plain_wide": convolution((8, 8, 32), (32, 3, 3), padding=VALID, relu=False),
    "plain_narrow": convolution((8, 8, 8), (8, 3, 3), padding=VALID, relu=False),
    "plain_deep": convolution((5, 5, 16), (2, 3, 3), padding=VALID, relu=False),
    "plain_two": convolution((5, 5, 8), (2, 3, 3), padding=VALID, relu=False),
    "plain_points": convolution((8, 8, 16), (16, 1, 1), padding=VALID, relu=False),
    "depthwise": depthwise((8, 8, 16), (3, 3)),
    "depthwise_plain": depthwise((8, 8, 16), (3, 3), relu=False),
    "depthwise_wide": depthwise((8, 8, 64), (3, 3)),
    "depthwise_narrow": depthwise((8, 8, 8), (3, 3), relu=False),
    "depthwise_odd": depthwise((7, 5, 13), (3, 3)),
    "depthwise_small": depthwise((5, 5, 8), (3, 3)),
    "depthwise_least": depthwise((3, 3, 64), (3, 3), relu=False),
    "depthwise_strided": depthwise((8, 8, 16), (3, 3), 2),
    "depthwise_strided_plain": depthwise((8, 8, 64), (3, 3), 2, relu=False),
    "depthwise_strided_odd": depthwise((7, 9, 13), (3, 3), 2),
    "depthwise_strided_small": depthwise((5, 5, 8), (3, 3), 2, relu=False),
    "depthwise_large": depthwise((8, 8, 8), (5, 5)),
    "depthwise_large_odd": depthwise((5, 5, 13), (5, 5), relu=False),
    "depthwise_time": depthwise((12, 1, 8), (3, 1)),
}


@pytest.fixture(scope="module")
def instructions(tmp_path_factory) -> dict[Key, int]:
    graphs = quantized(EVERYWHERE, ("int8", "ternary", "binary", "xnor"))
    graphs |= quantized(OF_SIGNS, ("int8", "xnor")) | quantized(OF_WEIGHTS, ("int8", "ternary", "binary"))
    return counted(graphs, M4, tmp_path_factory.mktemp("speed"))


@needs_qemu
@pytest.mark.parametrize("scheme", ["ternary", "binary"])
@pytest.mark.parametrize("layer", (*EVERYWHERE, *OF_WEIGHTS))
def test_narrow_weights_take_no_more_instructions_than_int8_ones(instructions, layer, scheme):
    assert instructions[layer, scheme] <= instructions[layer, "int8"]


@needs_qemu
@pytest.mark.parametrize("layer", (*EVERYWHERE, *OF_SIGNS))
def test_signs_by_signs_take_fewer_instructions_than_int8(instructions, layer):
    assert instructions[layer, "xnor"] < instructions[layer, "int8"]
