"""Moves reshapes behind elementwise nodes, so that these stand next to the layer that can absorb them."""

from __future__ import annotations

from dataclasses import replace

from edgeq.ir import DType, Graph, Node
from edgeq.ops.reshape import ReshapeAttrs
from edgeq.passes.channelwise import WEIGHTED, channelwise
from edgeq.passes.rewriting import float_constant, sole_reader, unique_name, until_stable

_UNARY = ("RELU", "RELU6", "RELU_N1_TO_1")


def sink_reshapes(graph: Graph) -> Graph:
    """layer → RESHAPE → elementwise becomes layer → elementwise → RESHAPE where the last axis stays. Exact.

    One-dimensional convolutions are images between two reshapes: this brings them their normalization and activation.
    """

    def step(graph: Graph) -> Graph | None:
        producers, consumers = graph.producers(), graph.consumers()
        for reshape in graph.nodes:
            if reshape.op != "RESHAPE" or not _behind_layer(graph, reshape, producers):
                continue
            reader = sole_reader(graph, reshape.outputs[0], consumers)
            if reader is not None and reader.inputs.count(reshape.outputs[0]) == 1:
                swapped = _swap(graph, reshape, reader)
                if swapped is not None:
                    return swapped
        return None

    return until_stable(graph, step)


def _behind_layer(graph: Graph, reshape: Node, producers: dict[str, Node]) -> bool:
    """Whether a layer, followed by nothing but what it may absorb, computes the reshape's input."""
    node = producers.get(reshape.inputs[0])
    while node is not None and node.op not in WEIGHTED:
        part = channelwise(graph, node)
        if part is None and node.op not in _UNARY:
            return False
        node = producers.get(node.inputs[0] if part is None else part.data)
    return node is not None


def _swap(graph: Graph, reshape: Node, reader: Node) -> Graph | None:
    before, after = graph.tensors[reshape.inputs[0]], graph.tensors[reshape.outputs[0]]
    if before.shape[-1:] != after.shape[-1:] or before.dtype is not DType.FLOAT32:
        return None
    part = channelwise(graph, reader)
    if reader.op not in _UNARY and part is None:
        return None
    inner = replace(before, name=unique_name(graph, f"{reader.outputs[0]}/image"))
    constants = {}
    for name in filter(None, reader.inputs):
        tensor = graph.tensors[name]
        if tensor.is_constant and len(tensor.shape) > 1:
            # (1, 1, channels) must fit the other shape as well
            constants[name] = float_constant(graph, name, tensor.data.reshape(-1))
    operands = tuple(
        before.name if i == after.name else constants[i].name if i in constants else i for i in reader.inputs
    )
    moved = replace(reader, inputs=operands, outputs=(inner.name,))
    last = Node("RESHAPE", (inner.name,), reader.outputs, ReshapeAttrs(after.shape), reshape.loc)
    nodes = []
    for node in graph.nodes:
        if node is reshape:
            continue
        nodes += [moved, last] if node is reader else [node]
    return graph.rewrite(nodes, [inner, *constants.values()])
