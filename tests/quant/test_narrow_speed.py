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
#: Of images of few channels, whose bytes their signs do not fill, windows cost more than they save.
FEW_CHANNELS = {"strided", "colours"}
SCHEMES = ("int8", "ternary", "xnor")


def layers(schemes: tuple[str, ...]) -> dict[tuple[str, str], Graph]:
    """Every layer in every scheme, in a network of its own."""
    found = {}
    for name in (*CONVOLUTIONS, *DENSE):
        net = Net(1)
        if name in CONVOLUTIONS:
            (height, width, channels), (count, *kernel), stride = CONVOLUTIONS[name]
            weights = net.random(count, *kernel, channels)
            y = net.node("CONV_2D", net.input(height, width, channels), weights, net.random(count), name=name,
                         padding=Padding.SAME, stride=(stride, stride), activation=Activation.RELU)  # fmt: skip
        else:
            depth, units = DENSE[name]
            y = net.node("FULLY_CONNECTED", net.input(depth), net.random(units, depth), net.random(units), name=name,
                         activation=Activation.RELU)  # fmt: skip
        graph = prepare_float(net.graph(y))
        for scheme in schemes:
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
@pytest.mark.parametrize("layer", (*CONVOLUTIONS, *DENSE))
def test_ternary_weights_take_no_more_instructions_than_int8_ones(instructions, layer):
    assert instructions[layer, "ternary"] <= instructions[layer, "int8"]


@needs_qemu
@pytest.mark.parametrize("layer", [name for name in (*CONVOLUTIONS, *DENSE) if name not in FEW_CHANNELS])
def test_signs_by_signs_take_fewer_instructions_than_int8(instructions, layer):
    assert instructions[layer, "xnor"] < instructions[layer, "int8"]
