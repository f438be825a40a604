"""Instructions of layers with ternary and binary weights beside those of the same layers in int8, on an emulated M4."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edgeq import api
from edgeq.device.icount import profile
from edgeq.emit import emit, write_files
from edgeq.ir import Graph
from edgeq.ops.base import Activation
from edgeq.ops.spatial import Padding
from edgeq.passes import prepare_float
from edgeq.quant.quantize import quantize
from edgeq.quant.recipes import Recipe
from edgeq.quant.schemes import find_scheme
from edgeq.target import Board, load_board
from edgeq.toolchain.build import build
from edgeq.verify import random_vectors

from ..merging import side_by_side
from ..passes.net import Net
from ..tools import needs_qemu
from .nets import data_for

BOARD = load_board("mps2-an386")
#: Images (height, width, channels), filters (count, height, width) and strides, by the layer's name.
CONVOLUTIONS = {
    "wide": ((8, 8, 64), (64, 3, 3), 1),
    "middle": ((8, 8, 16), (16, 3, 3), 1),
    "narrow": ((8, 8, 8), (8, 3, 3), 1),
    "odd": ((7, 5, 13), (9, 3, 3), 1),
    "rows": ((20, 5, 8), (12, 10, 4), 1),
    "strided": ((8, 8, 8), (16, 3, 3), 2),
    "colours": ((8, 8, 3), (16, 3, 3), 1),
    "pointwise": ((8, 8, 64), (32, 1, 1), 1),
    "pointwise_middle": ((8, 8, 16), (32, 1, 1), 1),
    "pointwise_narrow": ((8, 8, 8), (8, 1, 1), 1),
    "pointwise_strided": ((8, 8, 16), (32, 1, 1), 2),
    "pixel": ((1, 1, 32), (16, 1, 1), 1),
}
#: Inputs and units.
DENSE = {
    f"dense_{depth}_{units}": (depth, units)
    for depth, units in (
        *((256, 64), (128, 10), (100, 1), (65, 6), (64, 32), (64, 10), (33, 17), (32, 10)),
        *((20, 7), (16, 16), (16, 4), (13, 9), (10, 3), (8, 8), (8, 4), (3, 16)),
    )
}
#: Layers of few inputs or results, of signs and int8 alone: images, filters and strides as above, paddings.
SAME, VALID = Padding.SAME, Padding.VALID
OF_SIGNS = {
    "grey": ((8, 8, 1), (8, 3, 3), 1, SAME),
    "grey_inside": ((12, 12, 1), (16, 3, 3), 1, VALID),
    "grey_large": ((12, 12, 1), (6, 5, 5), 1, SAME),
    "grey_large_inside": ((12, 12, 1), (6, 5, 5), 1, VALID),
    "grey_strided": ((14, 14, 1), (8, 3, 3), 2, SAME),
    "grey_two": ((8, 8, 1), (2, 3, 3), 1, SAME),
    "grey_one": ((8, 8, 1), (1, 3, 3), 1, SAME),
    "grey_points": ((8, 8, 1), (8, 1, 1), 1, SAME),
    "grey_points_two": ((8, 8, 1), (2, 1, 1), 1, SAME),
    "grey_line": ((1, 32, 1), (8, 1, 5), 1, SAME),
    "spectrogram": ((25, 10, 1), (8, 10, 4), 2, SAME),
    "colours_strided": ((16, 16, 3), (8, 3, 3), 2, SAME),
    "colours_large": ((10, 10, 3), (8, 5, 5), 1, SAME),
    "colours_inside": ((8, 8, 3), (16, 3, 3), 1, VALID),
    "colours_points": ((8, 8, 3), (8, 1, 1), 1, SAME),
    "two_channels": ((8, 8, 2), (8, 3, 3), 1, SAME),
    "four_channels": ((8, 8, 4), (8, 3, 3), 1, SAME),
    "five_points": ((8, 8, 5), (8, 1, 1), 1, SAME),
    "five_points_two": ((8, 8, 5), (2, 1, 1), 1, SAME),
    "eight_points_two": ((8, 8, 8), (2, 1, 1), 1, SAME),
    "many_points_two": ((8, 8, 64), (2, 1, 1), 1, SAME),
    "line": ((1, 16, 12), (8, 1, 3), 1, SAME),
    "lines": ((8, 8, 12), (12, 1, 3), 1, SAME),
    "lines_inside": ((8, 8, 12), (12, 1, 3), 1, VALID),
    "two": ((8, 8, 16), (2, 3, 3), 1, SAME),
    "two_squares": ((7, 7, 16), (2, 2, 2), 2, VALID),
    "few_two": ((6, 6, 4), (2, 3, 3), 1, SAME),
    "tiny": ((3, 3, 4), (4, 3, 3), 1, SAME),
    "tiny_grey": ((4, 4, 1), (2, 3, 3), 1, VALID),
    "columns": ((9, 2, 9), (7, 4, 1), 1, SAME),
}
#: Layers of few results, or of any sign, of narrow weights and int8 alone: the same, and whether there is a ReLU.
OF_WEIGHTS = {
    "narrow_two": ((5, 5, 4), (2, 3, 3), 1, SAME, True),
    "narrow_deep": ((5, 5, 16), (2, 3, 3), 1, SAME, True),
    "narrow_colours": ((5, 5, 3), (2, 3, 3), 1, SAME, True),
    "narrow_grey": ((5, 5, 1), (2, 3, 3), 1, SAME, True),
    "narrow_three": ((5, 5, 5), (3, 1, 1), 1, SAME, True),
    "plain_wide": ((8, 8, 32), (32, 3, 3), 1, VALID, False),
    "plain_narrow": ((8, 8, 8), (8, 3, 3), 1, VALID, False),
    "plain_deep": ((5, 5, 16), (2, 3, 3), 1, VALID, False),
    "plain_two": ((5, 5, 8), (2, 3, 3), 1, VALID, False),
    "plain_points": ((8, 8, 16), (16, 1, 1), 1, VALID, False),
}
SCHEMES = ("int8", "ternary", "binary", "xnor")


def layers(schemes: tuple[str, ...]) -> dict[tuple[str, str], Graph]:
    """Every layer in every scheme, in a network of its own."""
    found = {}
    others = (*OF_SIGNS, *OF_WEIGHTS) if "xnor" in schemes else ()
    for name in (*CONVOLUTIONS, *others, *DENSE):
        net = Net(1)
        has_relu = True
        if name in OF_WEIGHTS:
            *own, has_relu = OF_WEIGHTS[name]
        elif name not in DENSE:
            own = (*CONVOLUTIONS[name], SAME) if name in CONVOLUTIONS else OF_SIGNS[name]
        if name not in DENSE:
            (height, width, channels), (count, *kernel), stride, padding = own
            weights = net.random(count, *kernel, channels)
            y = net.node("CONV_2D", net.input(height, width, channels), weights, net.random(count), name=name,
                         padding=padding, stride=(stride, stride),
                         activation=Activation.RELU if has_relu else Activation.NONE)  # fmt: skip
        else:
            depth, units = DENSE[name]
            y = net.node("FULLY_CONNECTED", net.input(depth), net.random(units, depth), net.random(units), name=name,
                         activation=Activation.RELU)  # fmt: skip
        graph = prepare_float(net.graph(y))
        own_schemes = ("int8", "xnor") if name in OF_SIGNS else ("int8", "ternary", "binary")
        for scheme in own_schemes if name in others else schemes:
            recipe = Recipe.of(find_scheme("int8"), {".*": find_scheme(scheme)})
            found[name, scheme] = quantize(graph, data_for(graph, 16), recipe)
    return found


@pytest.fixture(scope="module")
def instructions(tmp_path_factory) -> dict[tuple[str, str], int]:
    """By layer and scheme."""
    return counted(BOARD, SCHEMES, tmp_path_factory.mktemp("speed"))


def counted(board: Board, schemes: tuple[str, ...], folder: Path) -> dict[tuple[str, str], int]:
    """Instructions of every layer in every scheme on an emulated board."""
    return counted_of(layers(schemes), board, folder)


def counted_of(graphs: dict[tuple[str, str], Graph], board: Board, folder: Path) -> dict[tuple[str, str], int]:
    """Instructions of networks of one layer each."""
    graph = side_by_side("speed", {"_".join(key): graph for key, graph in graphs.items()})
    compiled = api.compile_graph(graph, board.soc.cpu)
    write_files(emit(compiled.program, compiled.plan, board), folder)
    inputs = [np.ascontiguousarray(x[0]).tobytes() for x in random_vectors(compiled.program, 1)]
    counts = profile(board, build(folder, "target"), inputs, icount=False).layers
    found = {}
    for (name, scheme), call, count in zip(graphs, compiled.program.calls, counts, strict=True):
        found[name, scheme] = count.instructions
        print(f"{name:17s} {scheme:8s} {call.macs:8d} MACs {count.instructions:8d} instructions "
              f"{count.instructions / call.macs:5.2f} {call.kernel}")  # fmt: skip
    return found


@needs_qemu
@pytest.mark.parametrize("scheme", ["ternary", "binary"])
@pytest.mark.parametrize("layer", (*CONVOLUTIONS, *OF_WEIGHTS, *DENSE))
def test_narrow_weights_take_no_more_instructions_than_int8_ones(instructions, layer, scheme):
    assert instructions[layer, scheme] <= instructions[layer, "int8"]


@needs_qemu
@pytest.mark.parametrize("layer", (*CONVOLUTIONS, *OF_SIGNS, *DENSE))
def test_signs_by_signs_take_fewer_instructions_than_int8(instructions, layer):
    assert instructions[layer, "xnor"] < instructions[layer, "int8"]
