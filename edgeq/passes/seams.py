"""Seams: where a factor per channel can be moved from the layers that read a tensor into what computes it.

Dividing a channel by a positive factor where it is computed, and multiplying by it the weights that read the channel,
changes no output. Between the two may stand whatever lets a positive factor of each channel pass: rectifiers, pooling,
padding with zeros, reshapes that leave channels in their order.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from edgeq.ir import Graph, Node, Tensor
from edgeq.ops.base import Activation
from edgeq.passes.channelwise import WEIGHTED, bias_of, by_input, is_foldable, scaled_outputs
from edgeq.passes.rewriting import float_constant

#: f(k·x) = k·f(x) for every k > 0, channel by channel.
_HOMOGENEOUS = {"RELU", "LEAKY_RELU", "PRELU", "MAX_POOL_2D", "AVERAGE_POOL_2D", "PAD", "RESIZE_NEAREST_NEIGHBOR"}
_HOMOGENEOUS_ACTIVATIONS = {Activation.NONE, Activation.RELU}
_NORMALIZATIONS = {"LAYER_NORMALIZATION"}


@dataclass(frozen=True)
class Seam:
    """A tensor whose channels (its last axis) may be scaled.

    Attributes:
        producer: the layer, or the normalization with a gamma for each channel, that computes it.
        readers: the layers that read it, each through its first operand; they alone, and directly or through operators
            that let factors pass.
    """

    producer: Node
    readers: tuple[Node, ...]
    channels: int

    @property
    def tensor(self) -> str:
        """Name of the producer's result."""
        return self.producer.outputs[0]

    def within(self, graph: Graph) -> Seam:
        """The same seam in a graph whose nodes have got other constants since (`divide`)."""
        nodes = {node.outputs[0]: node for node in graph.nodes}
        readers = tuple(nodes[reader.outputs[0]] for reader in self.readers)
        return replace(self, producer=nodes[self.tensor], readers=readers)


def find_seams(graph: Graph) -> tuple[Seam, ...]:
    """The seams of a float graph, in execution order."""
    consumers = graph.consumers()
    seams = []
    for node in graph.nodes:
        if not _may_divide(graph, node):
            continue
        channels = graph.results(node)[0].shape[-1]
        readers = _readers(graph, node.outputs[0], channels, consumers)
        if readers:
            seams.append(Seam(node, tuple(readers), channels))
    return tuple(seams)


def _may_divide(graph: Graph, node: Node) -> bool:
    if node.op in _NORMALIZATIONS:
        channels = graph.results(node)[0].shape[-1]
        return all(t.is_constant and t.shape == (channels,) for t in graph.operands(node)[1:])
    return is_foldable(graph, node) and node.attrs.activation in _HOMOGENEOUS_ACTIVATIONS


def _readers(graph: Graph, name: str, channels: int, consumers: dict[str, list[Node]]) -> list[Node] | None:
    """The layers behind a tensor; None where something else depends on its values."""
    if name in graph.kept or name not in consumers:
        return None
    found: list[Node] = []
    for node in consumers[name]:
        if node.inputs[0] != name or node.inputs.count(name) > 1:
            return None
        if is_foldable(graph, node):
            found.append(node)
            continue
        behind = _readers(graph, node.outputs[0], channels, consumers) if _lets_pass(graph, node, channels) else None
        if behind is None:
            return None
        found += behind
    return found


def _lets_pass(graph: Graph, node: Node, channels: int) -> bool:
    x, y = graph.tensors[node.inputs[0]], graph.results(node)[0]
    if node.op == "RESHAPE":
        return _keeps_order(x, y, channels)
    if node.op == "MEAN":
        axes = graph.tensors[node.inputs[1]].data
        return axes is not None and len(x.shape) - 1 not in {int(a) % len(x.shape) for a in axes.reshape(-1)}
    activation = getattr(node.attrs, "activation", Activation.NONE)
    if node.op == "PAD" and not np.array_equal(graph.operands(node)[1].data[-1], [0, 0]):
        return False
    return node.op in _HOMOGENEOUS and activation in _HOMOGENEOUS_ACTIVATIONS


def _keeps_order(x: Tensor, y: Tensor, channels: int) -> bool:
    """Whether each run of `channels` elements is one pixel before and after: the last axis is split by none."""
    return bool(x.shape) and bool(y.shape) and x.shape[-1] % channels == 0 and y.shape[-1] % channels == 0


def divide(graph: Graph, seam: Seam, factors: np.ndarray) -> Graph:
    """The graph with channel c of the seam's tensor divided by factors[c]; its outputs stay the same up to float32
    rounding. factors: float64 (channels,), positive and finite. Names of results stay, constants get new ones."""
    changed: dict[int, Node] = {}
    tensors: dict[str, Tensor] = {}

    def constant(name: str, values: np.ndarray) -> str:
        base = name.split("/scaled")[0]
        fresh = float_constant(graph, f"{base}/scaled", values)
        while fresh.name in tensors:
            # two readers may share their weights
            fresh = float_constant(graph, f"{base}/scaled+{len(tensors)}", values)
        tensors[fresh.name] = fresh
        return fresh.name

    producer = seam.producer
    if producer.op in _NORMALIZATIONS:
        gamma, beta = graph.operands(producer)[1:]
        operands = (constant(gamma.name, gamma.data / factors), constant(beta.name, beta.data / factors))
        changed[id(producer)] = replace(producer, inputs=producer.inputs[:1] + operands)
    else:
        weights = constant(producer.inputs[1], scaled_outputs(graph, producer, 1 / factors))
        inputs = (producer.inputs[0], weights)
        if len(producer.inputs) > 2 and producer.inputs[2]:
            bias = bias_of(graph, producer, graph.tensors[producer.inputs[1]].shape[WEIGHTED[producer.op]])
            inputs += (constant(producer.inputs[2], bias / factors),)
        changed[id(producer)] = replace(producer, inputs=inputs)
    for reader in seam.readers:
        weights = constant(reader.inputs[1], graph.tensors[reader.inputs[1]].data * by_input(graph, reader, factors))
        changed[id(reader)] = replace(reader, inputs=(reader.inputs[0], weights, *reader.inputs[2:]))
    return graph.rewrite([changed.get(id(node), node) for node in graph.nodes], tensors.values())


def output_magnitudes(graph: Graph, seam: Seam) -> np.ndarray:
    """Largest magnitude of the producer's weights for each channel, float64 (channels,)."""
    weights = graph.tensors[seam.producer.inputs[1]].data
    if seam.producer.op in _NORMALIZATIONS:
        return np.abs(weights.astype(np.float64))
    axis = WEIGHTED[seam.producer.op]
    return np.abs(weights.astype(np.float64)).max(axis=tuple(a for a in range(weights.ndim) if a != axis))


def input_magnitudes(graph: Graph, seam: Seam) -> np.ndarray:
    """Largest magnitude, over all readers, of the weights that read each channel, float64 (channels,)."""
    found = np.zeros(seam.channels)
    for reader in seam.readers:
        weights = np.abs(graph.tensors[reader.inputs[1]].data.astype(np.float64))
        # which channel each weight reads, in the weights' own shape
        which = np.broadcast_to(by_input(graph, reader, np.arange(seam.channels)), weights.shape).reshape(-1)
        np.maximum.at(found, which.astype(np.int64), weights.reshape(-1))
    return found
