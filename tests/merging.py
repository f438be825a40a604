"""Several graphs as one, so that one firmware and one build try them all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from edgeq.ir import Graph, Node, State, verify_graph


def side_by_side(name: str, graphs: Mapping[str, Graph]) -> Graph:
    """One graph that holds all of them; every name within bears its graph's and an underscore in front."""
    tensors, nodes, inputs, outputs, states = {}, [], [], [], []
    for prefix, graph in graphs.items():

        def named(of: str, prefix: str = prefix) -> str:
            return f"{prefix}_{of}" if of else ""

        tensors.update((named(t.name), replace(t, name=named(t.name))) for t in graph.tensors.values())
        for node in graph.nodes:
            operands, results = tuple(map(named, node.inputs)), tuple(map(named, node.outputs))
            # of a layer's path, lowering keeps the last part
            loc = named(node.loc.split("/")[-1])
            nodes.append(Node(node.op, operands, results, node.attrs, loc))
        inputs += map(named, graph.inputs)
        outputs += map(named, graph.outputs)
        states += [State(named(s.read), named(s.written), s.initial) for s in graph.states]
    merged = Graph(name, tensors, tuple(nodes), tuple(inputs), tuple(outputs), states=tuple(states))
    return verify_graph(merged, "test")
