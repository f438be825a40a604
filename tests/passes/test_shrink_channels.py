"""Channels are removed only where no input can tell: random networks with dead filters try to refute it."""

from __future__ import annotations

import numpy as np
import pytest

from edgeq.api import compile_graph, load_model, quantize_model
from edgeq.ir import DType, Graph, Node, QuantParams, Tensor, verify_graph
from edgeq.ops import Activation, find_op
from edgeq.ops.spatial import Padding
from edgeq.passes.shrink_channels import NOTES, shrink_channels
from edgeq.simulate import simulate
from edgeq.target import load_board
from edgeq.verify import random_vectors
from tests.e2e.zoo import int8_model, needs_zoo

CPU = load_board("mps2-an386").soc.cpu


class Network:
    """An int8 graph, built layer by layer with random weights; `dead` filters are zero, `deaf` inputs are not read."""

    def __init__(self, seed: int, size: int = 6, channels: int = 5):
        self.rng = np.random.default_rng(seed)
        self.tensors: dict[str, Tensor] = {}
        self.nodes: list[Node] = []
        self.last = self._activation("x", (1, size, size, channels))

    def _activation(self, name: str, shape, quant: QuantParams | None = None) -> Tensor:
        zero_point = int(self.rng.choice([-128, 127, 0, int(self.rng.integers(-128, 128))]))
        quant = quant or QuantParams([np.float32(self.rng.uniform(0.02, 0.08))], [zero_point])
        return self._add(Tensor(name, tuple(shape), DType.INT8, quant))

    def _add(self, tensor: Tensor) -> Tensor:
        self.tensors[tensor.name] = tensor
        return tensor

    def node(self, op: str, constants, attrs, quant: QuantParams | None = None) -> None:
        loc = f"{op.lower()}_{len(self.nodes)}"
        operands = [self.last, *(self._add(c) for c in constants)]
        (shape,) = find_op(op).infer(attrs, *operands)
        names = tuple(t.name for t in operands)
        self.last = self._activation(loc, shape, quant)
        self.nodes.append(Node(op, names, (loc,), attrs, loc))

    def weighted(self, op: str, shape, output_axis: int, input_axis: int | None, attrs) -> None:
        """A layer with a third of its filters dead, and, where it has input channels, a third of them unread."""
        outputs, index = shape[output_axis], len(self.nodes)
        data = self.rng.integers(-127, 128, shape).astype(np.int8)
        for axis in (output_axis, input_axis):
            if axis is not None:
                zero = self.rng.random(shape[axis]) < 0.35
                data[(slice(None),) * axis + (zero,)] = 0
        scales = self.rng.uniform(0.001, 0.01, outputs).astype(np.float32)
        w = Tensor(f"w{index}", tuple(shape), DType.INT8, QuantParams(scales, np.zeros(outputs), output_axis), data)
        values = self.rng.integers(-4000, 4000, outputs) * (self.rng.random(outputs) < 0.7)
        quant = QuantParams(self.last.quant.scale * scales, np.zeros(outputs), 0)
        self.node(op, [w, Tensor(f"b{index}", (outputs,), DType.INT32, quant, values.astype(np.int32))], attrs)

    def conv(self, outputs: int, kernel: int) -> None:
        shape = (outputs, kernel, kernel, self.last.shape[3])
        padding, activation = self.rng.choice(list(Padding)), self.rng.choice(list(Activation))
        self.weighted("CONV_2D", shape, 0, 3, find_op("CONV_2D").Attrs(padding=padding, activation=activation))

    def depthwise(self, stride: int) -> None:
        attrs = find_op("DEPTHWISE_CONV_2D").Attrs(stride=(stride, stride), padding=self.rng.choice(list(Padding)))
        self.weighted("DEPTHWISE_CONV_2D", (1, 2, 2, self.last.shape[3]), 3, None, attrs)

    def pool(self) -> None:
        op = str(self.rng.choice(["AVERAGE_POOL_2D", "MAX_POOL_2D"]))
        attrs = find_op(op).Attrs((2, 2), (1, 1), self.rng.choice(list(Padding)))
        self.node(op, [], attrs, self.last.quant)

    def head(self) -> None:
        size = self.last.shape[1:3]
        self.node("AVERAGE_POOL_2D", [], find_op("AVERAGE_POOL_2D").Attrs(size, size), self.last.quant)
        channels = self.last.shape[3]
        shape = Tensor("shape", (2,), DType.INT32, data=np.array([1, channels], np.int32))
        self.node("RESHAPE", [shape], find_op("RESHAPE").Attrs(), self.last.quant)
        self.weighted("FULLY_CONNECTED", (4, channels), 0, 1, find_op("FULLY_CONNECTED").Attrs())

    def graph(self) -> Graph:
        graph = Graph("net", self.tensors, tuple(self.nodes), ("x",), (self.last.name,))
        return verify_graph(graph, "test")


def removed(before: Graph, after: Graph) -> int:
    """Elements that weights and activations have lost."""
    return sum(t.size for t in before.tensors.values()) - sum(t.size for t in after.tensors.values())


def assert_same_outputs(before: Graph, after: Graph, vectors: int = 24) -> None:
    verify_graph(after, "shrinking")
    inputs = random_vectors(compile_graph(before, CPU).program, vectors)
    ours, theirs = (simulate(compile_graph(g, CPU).program, inputs) for g in (after, before))
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("seed", range(40))
def test_no_input_tells_the_smaller_network_from_the_larger(seed):
    net = Network(seed)
    for _ in range(int(net.rng.integers(2, 5))):
        net.conv(int(net.rng.integers(3, 9)), int(net.rng.choice([1, 1, 2])))
        layer = net.rng.choice(["depthwise", "pool", "none"])
        if layer == "depthwise":
            net.depthwise(int(net.rng.integers(1, 3)) if net.last.shape[1] > 3 else 1)
        elif layer == "pool" and net.last.shape[1] > 2:
            net.pool()
        if net.last.shape[1] <= 2:
            break
    net.head()
    before = net.graph()
    after = shrink_channels(before)
    assert removed(before, after) > 0 and after.metadata[NOTES]
    assert_same_outputs(before, after)


def padded_trap(constant: int) -> Graph:
    """1×1 convolution with one dead filter of value `constant`, zero point 0, read by a padded 2×2 convolution."""
    net = Network(0, size=3, channels=1)
    scale = QuantParams([1.0], [0])
    net.last = net.tensors["x"] = Tensor("x", (1, 3, 3, 1), DType.INT8, scale)
    attrs = find_op("CONV_2D").Attrs
    unit = QuantParams([1.0, 1.0], [0, 0], 0)
    w = Tensor("w", (2, 1, 1, 1), DType.INT8, unit, np.array([1, 0], np.int8).reshape(2, 1, 1, 1))
    net.node("CONV_2D", [w, Tensor("b", (2,), DType.INT32, unit, np.array([0, constant], np.int32))], attrs(), scale)
    ones = Tensor("v", (1, 2, 2, 2), DType.INT8, QuantParams([1.0], [0], 0), np.ones((1, 2, 2, 2), np.int8))
    none = Tensor("c", (1,), DType.INT32, QuantParams([1.0], [0], 0), np.zeros(1, np.int32))
    net.node("CONV_2D", [ones, none], attrs(padding=Padding.SAME), scale)
    return net.graph()


def test_a_constant_beside_padding_stays():
    graph = padded_trap(5)
    assert shrink_channels(graph) is graph


def test_a_zero_beside_padding_goes():
    graph = padded_trap(0)
    after = shrink_channels(graph)
    assert after.tensors["conv_2d_0"].shape == (1, 3, 3, 1)
    assert after.metadata[NOTES] == "conv_2d_0: 1 of 2 channels removed, 1 constant"
    assert_same_outputs(graph, after)


def test_graph_outputs_keep_their_channels():
    net = Network(3)
    net.conv(8, 1)
    assert shrink_channels(net.graph()).tensors[net.last.name].shape[-1] == 8


@needs_zoo
def test_half_of_vww_reaches_no_output():
    """3.73 M of its 7.49 M multiply-accumulates can reach the output."""
    before, _ = quantize_model(load_model(int8_model("vww")), None)
    after = shrink_channels(before)
    macs = [compile_graph(g, CPU).program.macs for g in (before, after)]
    assert [round(m / 1e6, 2) for m in macs] == [7.49, 3.73]
    assert_same_outputs(before, after, vectors=12)
