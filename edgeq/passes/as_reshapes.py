"""One name for what only changes a shape: the passes behind this one know RESHAPE alone."""

from __future__ import annotations

from edgeq.ir import Graph, Node
from edgeq.ops.reshape import ReshapeAttrs


def as_reshapes(graph: Graph) -> Graph:
    """SQUEEZE and EXPAND_DIMS become RESHAPE. Exact."""

    def reshape(node: Node) -> Node:
        if node.op not in ("SQUEEZE", "EXPAND_DIMS"):
            return node
        return Node("RESHAPE", node.inputs[:1], node.outputs, ReshapeAttrs(graph.results(node)[0].shape), node.loc)

    return graph.rewrite(map(reshape, graph.nodes))
