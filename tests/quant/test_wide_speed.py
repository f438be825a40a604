"""Instructions of layers with int16 activations beside those of the same layers in int8, on an emulated M4."""

from __future__ import annotations

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
from edgeq.quant.schemes import find_scheme
from edgeq.target import load_board
from edgeq.toolchain.build import build
from edgeq.verify import random_vectors

from ..merging import side_by_side
from ..passes.net import Net
from ..tools import needs_qemu
from .nets import data_for

BOARD = load_board("mps2-an386")
#: Operator, image or inputs, filters or units, stride, and whether a ReLU cuts results off, by the layer's name.
LAYERS = {
    "wide": ("CONV_2D", (8, 8, 64), (64, 3, 3), 1, True),
    "middle": ("CONV_2D", (8, 8, 16), (16, 3, 3), 1, False),
    "narrow": ("CONV_2D", (8, 8, 8), (8, 3, 3), 1, True),
    "odd": ("CONV_2D", (7, 5, 13), (9, 3, 3), 1, True),
    "rows": ("CONV_2D", (20, 5, 8), (12, 10, 4), 1, True),
    "strided": ("CONV_2D", (8, 8, 8), (16, 3, 3), 2, False),
    "colours": ("CONV_2D", (8, 8, 3), (16, 3, 3), 1, True),
    "pointwise": ("CONV_2D", (8, 8, 64), (32, 1, 1), 1, True),
    "pointwise_narrow": ("CONV_2D", (8, 8, 8), (8, 1, 1), 1, False),
    "pixel": ("CONV_2D", (1, 1, 32), (16, 1, 1), 1, True),
    "dense": ("FULLY_CONNECTED", (256,), (64,), 1, True),
    "dense_middle": ("FULLY_CONNECTED", (64,), (10,), 1, False),
    "dense_odd": ("FULLY_CONNECTED", (33,), (17,), 1, True),
    "dense_narrow": ("FULLY_CONNECTED", (8,), (4,), 1, True),
    "depthwise": ("DEPTHWISE_CONV_2D", (8, 8, 16), (3, 3), 1, True),
    "depthwise_large": ("DEPTHWISE_CONV_2D", (20, 20, 16), (3, 3), 1, True),
    "depthwise_odd": ("DEPTHWISE_CONV_2D", (7, 5, 13), (3, 3), 1, False),
    "depthwise_strided": ("DEPTHWISE_CONV_2D", (8, 8, 16), (3, 3), 2, True),
    "depthwise_window": ("DEPTHWISE_CONV_2D", (8, 8, 8), (5, 5), 1, False),
    "depthwise_time": ("DEPTHWISE_CONV_2D", (12, 1, 8), (3, 1), 1, True),
}
#: So many times int8's instructions; of 3x3 depthwise convolutions, which have a kernel of their own in int8, more.
MOST, MOST_3X3 = 1.25, 1.5
BY_3X3 = {"depthwise", "depthwise_large", "depthwise_odd"}


def layer(name: str) -> Graph:
    op, shape, filters, stride, has_relu = LAYERS[name]
    net, activation = Net(1), Activation.RELU if has_relu else Activation.NONE
    x = net.input(*shape)
    if op == "DEPTHWISE_CONV_2D":
        weights, bias = net.random(1, *filters, shape[-1]), net.random(shape[-1])
    else:
        weights, bias = net.random(*filters, shape[-1]), net.random(filters[0])
    if op == "FULLY_CONNECTED":
        y = net.node(op, x, weights, bias, name=name, activation=activation)
    else:
        y = net.node(op, x, weights, bias, name=name, padding=Padding.SAME, stride=(stride, stride),
                     activation=activation)  # fmt: skip
    return prepare_float(net.graph(y))


@pytest.fixture(scope="module")
def instructions(tmp_path_factory) -> dict[tuple[str, str], int]:
    """By layer and scheme."""
    graphs = {}
    for name in LAYERS:
        graph = layer(name)
        for scheme in ("int8", "int16x8"):
            graphs[name, scheme] = quantize(graph, data_for(graph, 16), find_scheme(scheme))
    graph = side_by_side("speed", {"_".join(key): graph for key, graph in graphs.items()})
    compiled = api.compile_graph(graph, BOARD.soc.cpu)
    folder = tmp_path_factory.mktemp("speed")
    write_files(emit(compiled.program, compiled.plan, BOARD), folder)
    inputs = [np.ascontiguousarray(x[0]).tobytes() for x in random_vectors(compiled.program, 1)]
    counts = profile(BOARD, build(folder, "target"), inputs, icount=False).layers
    for key, call, count in zip(graphs, compiled.program.calls, counts, strict=True):
        per_mac = count.instructions / call.macs
        print(f"{' '.join(key):25s} {count.instructions:8d} instructions {per_mac:5.2f} per MAC, {call.kernel}")
    return {key: count.instructions for key, count in zip(graphs, counts, strict=True)}


@needs_qemu
@pytest.mark.parametrize("name", LAYERS)
def test_int16_takes_hardly_more_instructions_than_int8(instructions, name):
    assert instructions[name, "int16x8"] <= (MOST_3X3 if name in BY_3X3 else MOST) * instructions[name, "int8"]
