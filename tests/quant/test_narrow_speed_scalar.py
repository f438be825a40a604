"""Instructions of layers with ternary and binary weights beside those of the same layers in int8, on emulated cores
without the DSP extension."""

from __future__ import annotations

import pytest

from edgeq.target import load_board

from ..tools import needs_qemu
from .test_narrow_speed import CONVOLUTIONS, DENSE, counted

BOARDS = {"M3": "mps2-an385", "M0": "mps2-an385-m0"}
SCHEMES = ("int8", "ternary", "binary")
#: Of so few results the sums of subsets may cost a little more than they save: a fifth of all at most.
FEW = {"pointwise_narrow", "dense_16_4", "dense_10_3", "dense_8_4"}


@pytest.fixture(scope="module", params=BOARDS)
def instructions(request, tmp_path_factory) -> dict[tuple[str, str], int]:
    """By layer and scheme."""
    return counted(load_board(BOARDS[request.param]), SCHEMES, tmp_path_factory.mktemp(request.param))


@needs_qemu
@pytest.mark.parametrize("scheme", ["ternary", "binary"])
@pytest.mark.parametrize("layer", (*CONVOLUTIONS, *DENSE))
def test_narrow_weights_take_no_more_instructions_than_int8_ones(instructions, layer, scheme):
    assert instructions[layer, scheme] <= (1.2 if layer in FEW else 1) * instructions[layer, "int8"]


@needs_qemu
@pytest.mark.parametrize("layer", ["wide", "middle", "rows", "pointwise", "dense_256_64", "dense_64_32"])
def test_binary_weights_take_two_thirds_at_most_where_there_are_many_results(instructions, layer):
    assert instructions[layer, "binary"] <= 2 / 3 * instructions[layer, "int8"]
