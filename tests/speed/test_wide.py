"""Instructions of layers with int16 activations beside those of the same layers in int8, on an emulated M4."""

from __future__ import annotations

import pytest

from ..tools import needs_qemu
from .layers import M4, Key, convolution, counted, dense, depthwise, quantized

LAYERS = {
    "wide": convolution((8, 8, 64), (64, 3, 3)),
    "middle": convolution((8, 8, 16), (16, 3, 3), relu=False),
    "narrow": convolution((8, 8, 8), (8, 3, 3)),
    "odd": convolution((7, 5, 13), (9, 3, 3)),
    "rows": convolution((20, 5, 8), (12, 10, 4)),
    "strided": convolution((8, 8, 8), (16, 3, 3), 2, relu=False),
    "colours": convolution((8, 8, 3), (16, 3, 3)),
    "pointwise": convolution((8, 8, 64), (32, 1, 1)),
    "pointwise_narrow": convolution((8, 8, 8), (8, 1, 1), relu=False),
    "pixel": convolution((1, 1, 32), (16, 1, 1)),
    "dense": dense(256, 64),
    "dense_middle": dense(64, 10, relu=False),
    "dense_odd": dense(33, 17),
    "dense_narrow": dense(8, 4),
    "depthwise": depthwise((8, 8, 16), (3, 3)),
    "depthwise_large": depthwise((20, 20, 16), (3, 3)),
    "depthwise_odd": depthwise((7, 5, 13), (3, 3), relu=False),
    "depthwise_strided": depthwise((8, 8, 16), (3, 3), 2),
    "depthwise_window": depthwise((8, 8, 8), (5, 5), relu=False),
    "depthwise_time": depthwise((12, 1, 8), (3, 1)),
}
#: So many times int8's instructions; of 3x3 depthwise convolutions, which have a kernel of their own in int8, more.
MOST, MOST_3X3 = 1.25, 1.5
BY_3X3 = {"depthwise", "depthwise_large", "depthwise_odd"}


@pytest.fixture(scope="module")
def instructions(tmp_path_factory) -> dict[Key, int]:
    return counted(quantized(LAYERS, ("int8", "int16x8")), M4, tmp_path_factory.mktemp("speed"))


@needs_qemu
@pytest.mark.parametrize("name", LAYERS)
def test_int16_takes_hardly_more_instructions_than_int8(instructions, name):
    assert instructions[name, "int16x8"] <= (MOST_3X3 if name in BY_3X3 else MOST) * instructions[name, "int8"]
