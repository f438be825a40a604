"""Instructions of layers with int4 weights beside those of the same layers in int8, on an emulated M4."""

from __future__ import annotations

import pytest

from ..tools import needs_qemu
from .test_narrow_speed import BOARD, CONVOLUTIONS, DENSE, counted

#: What taking four weights apart costs weighs where sums are short, of the inputs' sum where there are few channels.
FEW_INPUTS = {"pointwise_narrow"}
#: Those that int8 has no kernel of its own for.
FASTER = {"pixel", "dense_100_1", "dense_10_3", "dense_3_16"}


@pytest.fixture(scope="module")
def instructions(tmp_path_factory) -> dict[tuple[str, str], int]:
    """By layer and scheme."""
    return counted(BOARD, ("int8", "int8x4"), tmp_path_factory.mktemp("speed"))


@needs_qemu
@pytest.mark.parametrize("layer", (*CONVOLUTIONS, *DENSE))
def test_int4_weights_take_little_more_instructions_than_int8_ones(instructions, layer):
    most = 1.37 if layer in FEW_INPUTS else 1 if layer in FASTER else 1.13 if layer in CONVOLUTIONS else 1.25
    assert instructions[layer, "int8x4"] <= most * instructions[layer, "int8"]
    if layer == "wide":
        assert instructions[layer, "int8x4"] < instructions[layer, "int8"]
