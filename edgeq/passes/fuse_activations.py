"""Fuses RELU, RELU6 and RELU_N1_TO_1 into the node before them."""

from __future__ import annotations

import dataclasses
from dataclasses import replace

from edgeq.ir import DType, Graph, Node
from edgeq.ops.base import Activation
from edgeq.passes.rewriting import sole_reader, until_stable

_ACTIVATIONS = {
    "RELU": Activation.RELU,
    "RELU6": Activation.RELU6,
    "RELU_N1_TO_1": Activation.RELU_N1_TO_1,
}


def fuse_activations(graph: Graph) -> Graph:
    """producer → RELU becomes a producer with that activation, where nothing else reads the result between. Exact.

    The producer takes over the activation's name. Only float graphs: in an integer one the value between is rounded.
    """

    def step(graph: Graph) -> Graph | None:
        producers, consumers = graph.producers(), graph.consumers()
        for node in graph.nodes:
            source = producers.get(node.inputs[0]) if node.op in _ACTIVATIONS else None
            if source is None or graph.tensors[node.inputs[0]].dtype is not DType.FLOAT32:
                continue
            if _can_fuse(source, node) and sole_reader(graph, node.inputs[0], consumers) is node:
                fused = replace(
                    source, outputs=node.outputs, attrs=replace(source.attrs, activation=_merged(source, node))
                )
                return graph.rewrite([fused if n is source else n for n in graph.nodes if n is not node])
        return None

    return until_stable(graph, step)


def _merged(source: Node, node: Node) -> Activation:
    """Both activations as one; RELU6 of RELU and RELU of RELU6 are RELU6."""
    wanted = _ACTIVATIONS[node.op]
    return Activation.RELU6 if Activation.RELU6 in (source.attrs.activation, wanted) else wanted


def _can_fuse(source: Node, node: Node) -> bool:
    attrs = source.attrs
    # concatenations carry the field too, but no kernel honours it there
    if source.op == "CONCATENATION" or not dataclasses.is_dataclass(attrs):
        return False
    present = getattr(attrs, "activation", None)
    if present is Activation.NONE or present is _ACTIVATIONS[node.op]:
        return True
    return {present, _ACTIVATIONS[node.op]} == {Activation.RELU, Activation.RELU6}
