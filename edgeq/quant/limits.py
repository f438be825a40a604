"""Activations of fewer bits than their type has: MAXIMUM and MINIMUM keep them within their range.

A `.tflite` file can say it in no other way; `edgeq.passes.fuse_limits` makes both part of the layer before.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from edgeq.ir import Graph, Node, Tensor, frozen_array
from edgeq.ops import OutputRule, find_op
from edgeq.passes.rewriting import unique_name
from edgeq.quant.recipes import Recipe
from edgeq.quant.tying import insert_requantize, rule_of, tied_activations


def insert_limits(graph: Graph, quantized: Graph, recipe: Recipe) -> Graph:
    """The quantized graph with every result that its scheme gives fewer integers than its type has held within these.

    Args:
        graph: the float graph that it was made from.

    What hands on its operand's integers stays within their range by itself, and what an operator fixes has all of its
    type.
    """
    graph = insert_requantize(graph, recipe)
    limits = {
        name: tied.role.limits
        for tied in tied_activations(graph, recipe.activation_roles(graph))
        if tied.fixed is None
        for name in tied.members
    }
    work = _Work(quantized)
    nodes = []
    for node in quantized.nodes:
        added: list[Node] = []
        if rule_of(node).output is OutputRule.FREE:
            computed = (work.limit(node, n, limits[n], added) if n in limits else n for n in node.outputs)
            node = replace(node, outputs=tuple(computed))
        nodes += [node, *added]
    return quantized.rewrite(nodes, work.tensors.values()) if work.tensors else quantized


@dataclass
class _Work:
    graph: Graph
    tensors: dict[str, Tensor] = field(default_factory=dict)

    def limit(self, node: Node, name: str, limits: tuple[int, int], added: list[Node]) -> str:
        """Adds the nodes behind `node` that limit its result of that name; returns what it is now to compute."""
        result = self.graph.tensors[name]
        ends = zip(("MINIMUM", "MAXIMUM"), reversed(limits), reversed(result.dtype.range), strict=True)
        for op, limit, widest in ends:
            if limit == widest:
                continue
            before = self._tensor(replace(result, name=f"{name}/before_{op.lower()}"))
            constant = frozen_array([limit], result.dtype.numpy)
            end = self._tensor(Tensor(f"{before}/limit", (1,), result.dtype, result.quant, constant))
            added.insert(0, Node(op, (before, end), (name,), find_op(op).Attrs(), node.loc))
            name = before
        return name

    def _tensor(self, tensor: Tensor) -> str:
        seen = replace(self.graph, tensors={**self.graph.tensors, **self.tensors})
        tensor = replace(tensor, name=unique_name(seen, tensor.name))
        self.tensors[tensor.name] = tensor
        return tensor.name
