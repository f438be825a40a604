"""Removes what no output depends on, in this inference or a later one."""

from __future__ import annotations

from edgeq.ir import Graph, State


def remove_dead(graph: Graph) -> Graph:
    """Removes nodes whose results nobody reads, states that no output depends on, and the tensors only they used.
    Graph inputs stay."""
    needed = set(graph.outputs)
    states: list[State] = []
    while True:
        kept = []
        for node in reversed(graph.nodes):
            if needed.intersection(node.outputs):
                kept.append(node)
                needed.update(filter(None, node.inputs))
        # what a needed state becomes is needed too, in the next inference
        found = [state for state in graph.states if state.read in needed]
        if len(found) == len(states):
            return graph.rewrite(reversed(kept), states=states)
        states = found
        needed.update(state.written for state in states)
