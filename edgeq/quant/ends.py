"""The first and the last layers of a network, which schemes of few bits leave with more.

After Esser et al., "Learned Step Size Quantization" (2020): the matrices of the first and the last layer, and what
these are multiplied with, keep 8 bits. So do the network's inputs and outputs. Depthwise convolutions, whose results
have a handful of weights each, keep theirs instead of ternary or binary ones.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from edgeq.ir import DType, Graph
from edgeq.quant.schemes import QuantScheme
from edgeq.quant.tying import rule_of


@dataclass(frozen=True)
class Ends:
    """Names of layers.

    Attributes:
        weights: those with weights that no other such layer leads to, or that lead to no other.
        activations: those whose results only last layers multiply, or none.
    """

    weights: frozenset[str]
    activations: frozenset[str]


def ends_of(graph: Graph) -> Ends:
    """The ends of a network whose nodes are in execution order; what the names of several nodes say is said for all."""
    weighted = {id(node): rule_of(node).weight is not None for node in graph.nodes}
    after_weights: set[str] = set()
    first: set[str] = set()
    for node in graph.nodes:
        led_to = bool(after_weights & set(node.inputs))
        if weighted[id(node)] and not led_to:
            first.add(node.loc)
        if weighted[id(node)] or led_to:
            after_weights.update(node.outputs)
    # backwards: by tensor, the layers with weights that come next, and whether any comes at all
    following: dict[str, set[str]] = {name: set() for name in graph.tensors}
    last: set[str] = set()
    wide: dict[str, bool] = {}
    for node in reversed(graph.nodes):
        following_here = set().union(*(following[name] for name in node.outputs))
        wide[node.loc] = following_here <= last and wide.get(node.loc, True)
        if weighted[id(node)] and not following_here:
            last.add(node.loc)
        for name in filter(None, node.inputs):
            following[name] |= {node.loc} if weighted[id(node)] else following_here
    return Ends(frozenset(first | last), frozenset(name for name, is_wide in wide.items() if is_wide))


def schemes_of_ends(graph: Graph, scheme: QuantScheme) -> Mapping[str, QuantScheme]:
    """layer → its scheme, for those that `scheme.ends` has something to say of."""
    if scheme.ends is None:
        return {}
    ends, other = ends_of(graph), scheme.ends
    found: dict[str, QuantScheme] = {}
    for node in graph.nodes:
        mine = scheme
        too_few = node.op == "DEPTHWISE_CONV_2D" and scheme.weight.dtype in (DType.TERNARY, DType.BINARY)
        if node.loc in ends.weights or too_few:
            mine = replace(other, activation=scheme.activation)
        if node.loc in ends.activations:
            mine = replace(mine, activation=other.activation)
        if mine is not scheme:
            found[node.loc] = mine
    return found
