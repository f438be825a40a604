"""Layers that take the type of activations from their neighbours: those that move or compare numbers and compute none.

Where layers of int8 and of int16 stand side by side, a RESHAPE or a pooling between two of int16 would cost precision
and two conversions if it had the type of the rest of the network.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from edgeq.ir import DType, Graph, Node
from edgeq.ops import OutputRule, find_op
from edgeq.quant.schemes import QuantScheme


def real_operands(graph: Graph, node: Node) -> list[str]:
    """The float32 operands of a node that are no constants."""
    names = dict.fromkeys(filter(None, node.inputs))
    return [n for n in names if graph.tensors[n].dtype is DType.FLOAT32 and not graph.tensors[n].is_constant]


def _follows(graph: Graph, node: Node) -> bool:
    op = find_op(node.op)
    if op is None or not real_operands(graph, node):
        return False
    real = any(graph.tensors[name].dtype is DType.FLOAT32 for name in node.outputs)
    return not real or op.quant_rule(node.attrs).output is OutputRule.SAME_AS_INPUT


def followers(
    graph: Graph, named: Callable[[str], QuantScheme | None], default: QuantScheme
) -> Mapping[str, QuantScheme]:
    """The schemes of layers that follow others, by name.

    A layer follows what it reads where that has one type; else, as at an input of the graph, what reads it. Left alone
    are layers that a rule names, those whose neighbours differ, and those that would have the default's type anyway.

    Args:
        graph: float32.
        named: the scheme of the rule that names a layer, or None.
    """
    layers: dict[str, list[Node]] = {}
    for node in graph.nodes:
        layers.setdefault(node.loc, []).append(node)
    free = {name for name, nodes in layers.items() if named(name) is None and all(_follows(graph, n) for n in nodes)}
    found: dict[str, QuantScheme] = {}
    producers = graph.producers()
    consumers = graph.consumers()

    def scheme(node: Node | None) -> QuantScheme | None:
        """None while it is open: the graph's inputs, and layers that follow and have not found anything."""
        if node is None or (node.loc in free and node.loc not in found):
            return None
        return found.get(node.loc) or named(node.loc) or default

    def follow(node: Node, neighbours: list[QuantScheme | None]) -> None:
        known = [each for each in neighbours if each is not None]
        if known and len({each.activation.dtype for each in known}) == 1:
            found.setdefault(node.loc, known[0])

    for node in graph.nodes:
        if node.loc in free:
            follow(node, [scheme(producers.get(name)) for name in real_operands(graph, node)])
    for node in reversed(graph.nodes):
        if node.loc in free and node.loc not in found:
            follow(node, [scheme(reader) for name in node.outputs for reader in consumers.get(name, [])])
    return {name: each for name, each in found.items() if each.activation.dtype is not default.activation.dtype}
