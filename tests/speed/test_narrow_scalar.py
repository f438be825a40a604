"""Instructions of layers with ternary and binary weights beside those of the same layers in int8, on emulated cores
without the DSP extension."""

from __future__ import annotations

import pytest

from ..tools import needs_qemu
from .layers import CONVOLUTIONS, DENSE, M0, M3, Key, counted, quantized

LAYERS = {**CONVOLUTIONS, **DENSE}
#: Of so few results the sums of subsets may cost a little more than they save: a fifth of all at most.
FEW = {"pointwise_narrow", "dense_16_4", "dense_10_3", "dense_8_4"}


@pytest.fixture(scope="module", params=[M3, M0], ids=["M3", "M0"])
def instructions(request, tmp_path_factory) -> dict[Key, int]:
    graphs = quantized(LAYERS, ("int8", "ternary", "binary"))
    return counted(graphs, request.param, tmp_path_factory.mktemp("speed"))


@needs_qemu
@pytest.mark.parametrize("scheme", ["ternary", "binary"])
@pytest.mark.parametrize("layer", LAYERS)
def test_narrow_weights_take_no_more_instructions_than_int8_ones(instructions, layer, scheme):
    assert instructions[layer, scheme] <= (1.2 if layer in FEW else 1) * instructions[layer, "int8"]


@needs_qemu
@pytest.mark.parametrize("layer", ["wide", "middle", "rows", "pointwise", "dense_256_64", "dense_64_32"])
def test_binary_weights_take_two_thirds_at_most_where_there_are_many_results(instructions, layer):
    assert instructions[layer, "binary"] <= 2 / 3 * instructions[layer, "int8"]
