"""Instructions of depthwise convolutions with ternary and binary weights beside those of int8, on an emulated M4."""

from __future__ import annotations

import pytest

from edgeq.ir import Graph
from edgeq.ops.base import Activation
from edgeq.ops.spatial import Padding
from edgeq.passes import prepare_float
from edgeq.quant.quantize import quantize
from edgeq.quant.recipes import Recipe
from edgeq.quant.schemes import find_scheme

from ..passes.net import Net
from ..tools import needs_qemu
from .nets import data_for
from .test_narrow_speed import BOARD, counted_of

#: Images, windows, strides, and whether a ReLU cuts results off; one filter for each channel.
LAYERS = {
    "plain": ((8, 8, 16), (3, 3), 1, True),
    "signed": ((8, 8, 16), (3, 3), 1, False),
    "wide": ((8, 8, 64), (3, 3), 1, True),
    "narrow": ((8, 8, 8), (3, 3), 1, False),
    "odd": ((7, 5, 13), (3, 3), 1, True),
    "small": ((5, 5, 8), (3, 3), 1, True),
    "least": ((3, 3, 64), (3, 3), 1, False),
    "strided": ((8, 8, 16), (3, 3), 2, True),
    "strided_signed": ((8, 8, 64), (3, 3), 2, False),
    "strided_odd": ((7, 9, 13), (3, 3), 2, True),
    "strided_small": ((5, 5, 8), (3, 3), 2, False),
    "large_window": ((8, 8, 8), (5, 5), 1, True),
    "large_window_odd": ((5, 5, 13), (5, 5), 1, False),
    "time": ((12, 1, 8), (3, 1), 1, True),
}
SCHEMES = ("int8", "ternary", "binary")


def layers() -> dict[tuple[str, str], Graph]:
    """Every layer in every scheme, in a network of its own."""
    found = {}
    for name, (image, window, stride, has_relu) in LAYERS.items():
        net = Net(1)
        weights, bias = net.random(1, *window, image[2]), net.random(image[2])
        y = net.node("DEPTHWISE_CONV_2D", net.input(*image), weights, bias, name=name, padding=Padding.SAME,
                     stride=(stride, stride), activation=Activation.RELU if has_relu else Activation.NONE)  # fmt: skip
        graph = prepare_float(net.graph(y))
        for scheme in SCHEMES:
            recipe = Recipe.of(find_scheme("int8"), {".*": find_scheme(scheme)})
            found[name, scheme] = quantize(graph, data_for(graph, 16), recipe)
    return found


@pytest.fixture(scope="module")
def instructions(tmp_path_factory) -> dict[tuple[str, str], int]:
    """By layer and scheme."""
    return counted_of(layers(), BOARD, tmp_path_factory.mktemp("speed"))


@needs_qemu
@pytest.mark.parametrize("scheme", ["ternary", "binary"])
@pytest.mark.parametrize("layer", LAYERS)
def test_narrow_weights_take_no_more_instructions_than_int8_ones(instructions, layer, scheme):
    assert instructions[layer, scheme] <= instructions[layer, "int8"]
