"""Single layers, and the instructions that they take in a scheme on an emulated core."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

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
from ..quant.nets import data_for

SAME, VALID = Padding.SAME, Padding.VALID
M4 = load_board("mps2-an386")
M55 = load_board("mps3-an547")
M3, M0 = load_board("mps2-an385"), load_board("mps2-an385-m0")

#: (layer, scheme)
Key = tuple[str, str]


@dataclass(frozen=True)
class Layer:
    """image: shape of the operand, without its batch. weights: the shape of these. relu: whether one cuts results off.
    options: other attributes of the operator."""

    op: str
    image: tuple[int, ...]
    weights: tuple[int, ...]
    relu: bool
    options: Mapping[str, Any] = field(default_factory=dict)

    def graph(self, name: str) -> Graph:
        """A float network of this layer, whose weights are random."""
        net = Net(1)
        units = self.weights[-1] if self.op == "DEPTHWISE_CONV_2D" else self.weights[0]
        activation = Activation.RELU if self.relu else Activation.NONE
        operands = net.input(*self.image), net.random(*self.weights), net.random(units)
        y = net.node(self.op, *operands, name=name, activation=activation, **self.options)
        return prepare_float(net.graph(y))


def convolution(
    image: tuple[int, int, int],
    filters: tuple[int, int, int],
    stride: int = 1,
    padding: Padding = SAME,
    *,
    relu: bool = True,
) -> Layer:
    """filters: (count, height, width)."""
    options = {"stride": (stride, stride), "padding": padding}
    return Layer("CONV_2D", image, (*filters, image[2]), relu, options)


def depthwise(image: tuple[int, int, int], window: tuple[int, int], stride: int = 1, *, relu: bool = True) -> Layer:
    """One filter for each channel."""
    options = {"stride": (stride, stride), "padding": SAME}
    return Layer("DEPTHWISE_CONV_2D", image, (1, *window, image[2]), relu, options)


def dense(inputs: int, units: int, *, relu: bool = True) -> Layer:
    return Layer("FULLY_CONNECTED", (inputs,), (units, inputs), relu)


CONVOLUTIONS = {
    "wide": convolution((8, 8, 64), (64, 3, 3)),
    "middle": convolution((8, 8, 16), (16, 3, 3)),
    "narrow": convolution((8, 8, 8), (8, 3, 3)),
    "odd": convolution((7, 5, 13), (9, 3, 3)),
    "rows": convolution((20, 5, 8), (12, 10, 4)),
    "strided": convolution((8, 8, 8), (16, 3, 3), 2),
    "colours": convolution((8, 8, 3), (16, 3, 3)),
    "pointwise": convolution((8, 8, 64), (32, 1, 1)),
    "pointwise_middle": convolution((8, 8, 16), (32, 1, 1)),
    "pointwise_narrow": convolution((8, 8, 8), (8, 1, 1)),
    "pointwise_strided": convolution((8, 8, 16), (32, 1, 1), 2),
    "pixel": convolution((1, 1, 32), (16, 1, 1)),
}
DENSE = {
    f"dense_{inputs}_{units}": dense(inputs, units)
    for inputs, units in (
        *((256, 64), (128, 10), (100, 1), (65, 6), (64, 32), (64, 10), (33, 17), (32, 10)),
        *((20, 7), (16, 16), (16, 4), (13, 9), (10, 3), (8, 8), (8, 4), (3, 16)),
    )
}


def quantized(layers: Mapping[str, Layer], schemes: Iterable[str]) -> dict[Key, Graph]:
    """Every layer in every scheme, in a network of its own, its last layer no exception."""
    found = {}
    for name, layer in layers.items():
        graph = layer.graph(name)
        for scheme in schemes:
            recipe = Recipe.of(find_scheme("int8"), {".*": find_scheme(scheme)})
            found[name, scheme] = quantize(graph, data_for(graph, 16), recipe)
    return found


def counted(graphs: Mapping[Key, Graph], board: Board, folder: Path) -> dict[Key, int]:
    """Instructions of networks of one layer each, which one image holds side by side."""
    graph = side_by_side("speed", {"_".join(key): graph for key, graph in graphs.items()})
    compiled = api.compile_graph(graph, board.soc.cpu)
    write_files(emit(compiled.program, compiled.plan, board), folder)
    inputs = [np.ascontiguousarray(x[0]).tobytes() for x in random_vectors(compiled.program, 1)]
    counts = profile(board, build(folder, "target"), inputs, icount=False).layers
    found = {}
    for key, call, count in zip(graphs, compiled.program.calls, counts, strict=True):
        found[key] = count.instructions
        print(f"{' '.join(key):28s} {call.macs:8d} MACs {count.instructions:8d} instructions "
              f"{count.instructions / call.macs:5.2f} {call.kernel}")  # fmt: skip
    return found
