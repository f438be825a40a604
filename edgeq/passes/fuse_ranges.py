"""Sums of products that only become a block, made in one layer with it: all of them need not be in memory at once."""

from __future__ import annotations

from dataclasses import replace

from edgeq.ir import Graph, Node
from edgeq.ops.dynamic_ranged import RangedAttrs, ranged


def fuse_ranges(graph: Graph) -> Graph:
    """The graph with such pairs of nodes fused. Nothing changes in what it computes."""
    producers = graph.producers()
    readers = graph.consumers()
    fused: dict[str, Node] = {}
    gone: set[str] = set()
    for node in graph.nodes:
        if node.op != "DYNAMIC_QUANTIZE":
            continue
        sums = producers.get(node.inputs[0])
        op = ranged(sums.op) if sums is not None else None
        if op is None or any(len(readers[name]) > 1 or name in graph.kept for name in sums.outputs):
            continue
        attrs = RangedAttrs(sums.attrs, node.attrs.activation, node.attrs.symmetric)
        fused[node.outputs[0]] = replace(sums, op=op.name, outputs=node.outputs, attrs=attrs)
        gone.add(sums.outputs[0])
    if not fused:
        return graph
    nodes = [fused.get(node.outputs[0], node) for node in graph.nodes if node.outputs[0] not in gone]
    return graph.rewrite(nodes)
