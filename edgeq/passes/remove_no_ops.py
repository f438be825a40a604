"""Removes nodes that hand on their input unchanged."""

from __future__ import annotations

import numpy as np

from edgeq.ir import Graph, Node
from edgeq.ops.base import Activation
from edgeq.ops.reshape import ReshapeAttrs
from edgeq.passes.channelwise import channelwise
from edgeq.passes.rewriting import bypass, until_stable


def _is_no_op(graph: Graph, node: Node) -> bool:
    source, result = graph.operands(node)[0], graph.results(node)[0]
    if (
        source is None
        or source.shape != result.shape
        or source.dtype is not result.dtype
        or source.quant != result.quant
    ):
        return False
    if node.op in ("RESHAPE", "QUANTIZE"):
        return True
    if node.op == "PAD":
        return not np.any(graph.operands(node)[1].data)
    if node.op in ("AVERAGE_POOL_2D", "MAX_POOL_2D"):
        one = node.attrs.filter == (1, 1) and node.attrs.stride == (1, 1)
        return one and node.attrs.activation is Activation.NONE
    return False


def _is_identity(graph: Graph, node: Node) -> bool:
    """x · 1 or x + 0 on the first operand."""
    part = channelwise(graph, node)
    if part is None or part.data != node.inputs[0] or part.activation is not Activation.NONE:
        return False
    return bool(np.all(part.factor == 1) and np.all(part.offset == 0))


def _merge_reshapes(graph: Graph) -> Graph | None:
    """A reshape of a reshape reads the first one's input."""
    producers = graph.producers()
    for node in graph.nodes:
        source = producers.get(node.inputs[0]) if node.op == "RESHAPE" else None
        if source is not None and source.op == "RESHAPE":
            shape = graph.results(node)[0].shape
            merged = Node("RESHAPE", (source.inputs[0],), node.outputs, ReshapeAttrs(shape), node.loc)
            unread = len(graph.consumers()[source.outputs[0]]) == 1 and source.outputs[0] not in graph.kept
            return graph.rewrite(merged if n is node else n for n in graph.nodes if not (n is source and unread))
    return None


def remove_no_ops(graph: Graph) -> Graph:
    """Removes reshapes to the same shape and of reshapes, empty paddings, 1×1 pools, x·1 and x+0. Exact."""

    def step(graph: Graph) -> Graph | None:
        for node in graph.nodes:
            if _is_no_op(graph, node) or _is_identity(graph, node):
                shorter = bypass(graph, node)
                if shorter is not None:
                    return shorter
        return _merge_reshapes(graph)

    return until_stable(graph, step)
