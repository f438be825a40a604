"""What operators carry from one run to the next: which tensors these are, and which must be requantized on the way.

A hidden state may have a type and a scale of its own, whatever the scheme's: another operator that reads it, or one
that gives it, needs a QUANTIZE between.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

from edgeq.ir import DType, Graph, Node, QuantParams, Tensor
from edgeq.ops import Carried, find_op
from edgeq.passes.rewriting import unique_name


def carried(graph: Graph) -> Iterator[tuple[Node, Carried, str, tuple[str, ...]]]:
    """(node, rule, operand or "" where there is none, results) of all that is carried on."""
    for node in graph.nodes:
        op = find_op(node.op)
        for each in op.quant_rule(node.attrs).carried if op is not None else ():
            operand = node.inputs[each.operand] if each.operand < len(node.inputs) else ""
            yield node, each, operand, tuple(node.outputs[i] for i in each.results)


def typed_states(graph: Graph) -> set[str]:
    """The tensors among them with a type of their own."""
    return {name for _, each, before, after in carried(graph) if each.dtype for name in (before, *after) if name}


def insert_conversions(graph: Graph) -> Graph:
    """The graph with QUANTIZE before operators that read a state of another operator's type, and before states that
    another operator computes, or that are constants."""
    kinds: dict[str, Carried | None] = {}
    places: dict[tuple[int, str], Carried] = {}
    for node, each, before, after in carried(graph):
        kinds.update((name, each) for name in after)
        places[id(node), before] = each
    # inputs and states of the graph that nothing else reads take the state's type themselves
    for name in graph.sources:
        found = {_kind(places.get((id(reader), name))) for reader in graph.consumers().get(name, [])}
        if len(found) == 1 and None not in found:
            kinds[name] = next(p for (_, n), p in places.items() if n == name)
    added: list[Tensor] = []
    nodes: list[Node] = []
    for node in graph.nodes:
        inputs = list(node.inputs)
        for index, name in enumerate(inputs):
            tensor = graph.tensors.get(name)
            if tensor is None or tensor.dtype is not DType.FLOAT32:
                continue
            wanted, given = places.get((id(node), name)), kinds.get(name)
            if wanted is None and (tensor.is_constant or given is None or given.dtype is None):
                continue
            if wanted is None or _kind(wanted) != _kind(given):
                known = replace(graph, tensors={**graph.tensors, **{t.name: t for t in added}})
                copy = replace(tensor, name=unique_name(known, f"{node.outputs[0]}/{name.split('/')[-1]}"), data=None)
                added.append(copy)
                nodes.append(Node("QUANTIZE", (name,), (copy.name,), find_op("QUANTIZE").Attrs(), node.loc))
                inputs[index] = copy.name
        nodes.append(replace(node, inputs=tuple(inputs)))
    return graph.rewrite(nodes, added) if added else graph


def _kind(each: Carried | None) -> tuple | None:
    return None if each is None else (each.dtype, each.scale, each.powers)


def power_of_two(low: float, high: float, powers: range) -> QuantParams:
    """The smallest scale of int16 for which the range is at most half of the type's; the largest there is, beyond."""
    largest = max(-low, high, 2.0**-30)
    return QuantParams([2.0 ** min(max(math.ceil(math.log2(2.0 * largest)) - 15, powers[0]), powers[-1])], [0])
