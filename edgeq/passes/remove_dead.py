"""Removes what no output depends on."""

from __future__ import annotations

from edgeq.ir import Graph


def remove_dead(graph: Graph) -> Graph:
    """Removes nodes whose results nobody reads, and the tensors only they used. Graph inputs stay."""
    needed = set(graph.outputs)
    kept = []
    for node in reversed(graph.nodes):
        if needed.intersection(node.outputs):
            kept.append(node)
            needed.update(filter(None, node.inputs))
    return graph.rewrite(reversed(kept))
