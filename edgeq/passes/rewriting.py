"""What several passes need: names, single uses, and replacing one tensor by another."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from edgeq.ir import DType, Graph, Node, Tensor, frozen_array

Pass = Callable[[Graph], Graph]


def unique_name(graph: Graph, name: str) -> str:
    """`name`, or with a number appended where a tensor of that name exists."""
    candidate, count = name, 1
    while candidate in graph.tensors:
        count += 1
        candidate = f"{name}:{count}"
    return candidate


def float_constant(graph: Graph, name: str, values: np.ndarray) -> Tensor:
    """A new float32 constant under a free name."""
    values = frozen_array(values, np.float32)
    return Tensor(unique_name(graph, name), values.shape, DType.FLOAT32, data=values)


def sole_reader(graph: Graph, name: str, consumers: dict[str, list[Node]]) -> Node | None:
    """The node that alone reads a tensor, once; None where there are several or where the graph keeps it at its end."""
    readers = consumers.get(name, [])
    return readers[0] if len(readers) == 1 and name not in graph.kept else None


def redirect(nodes: tuple[Node, ...], old: str, new: str) -> tuple[Node, ...]:
    """The nodes with every operand `old` replaced by `new`."""
    return tuple(
        replace(node, inputs=tuple(new if i == old else i for i in node.inputs)) if old in node.inputs else node
        for node in nodes
    )


def rename(graph: Graph, old: str, new: str) -> Graph:
    """The graph with a tensor renamed everywhere; `new` must be free or about to disappear."""

    def swap(names: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(new if n == old else n for n in names)

    nodes = tuple(replace(n, inputs=swap(n.inputs), outputs=swap(n.outputs)) for n in graph.nodes)
    tensor = replace(graph.tensors[old], name=new)
    states = [replace(s, read=swap((s.read,))[0], written=swap((s.written,))[0]) for s in graph.states]
    return graph.rewrite(nodes, [tensor], swap(graph.inputs), swap(graph.outputs), states)


def bypass(graph: Graph, node: Node) -> Graph | None:
    """The graph without a node that hands on its first operand unchanged, names of outputs kept.

    None where that is impossible: the node connects a graph input, a state, a constant or another output to an output
    or to a state's new value.
    """
    source, result = node.inputs[0], node.outputs[0]
    rest = tuple(n for n in graph.nodes if n is not node)
    if result not in graph.kept:
        return graph.rewrite(redirect(rest, result, source))
    if source in graph.sources or source in graph.kept or graph.tensors[source].is_constant:
        return None
    return rename(replace(graph, nodes=redirect(rest, result, source)), source, result)


def until_stable(graph: Graph, step: Callable[[Graph], Graph | None]) -> Graph:
    """Applies `step` until it gives None, which every step must do in the end: each one removes or moves a node."""
    while (rewritten := step(graph)) is not None:
        graph = rewritten
    return graph
