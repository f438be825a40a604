"""Which layers are given a scheme, which schemes they may have, and the recipe that an assignment is."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from edgeq.errors import QuantizationError
from edgeq.ir import DType, Graph, Node
from edgeq.ops import OutputRule, QuantRule, find_op
from edgeq.quant.following import real_operands
from edgeq.quant.schemes import SCHEMES, Granularity, QuantScheme, find_scheme


@dataclass(frozen=True)
class Group:
    """A layer with weights, and those without that work on its results: they compute in its type.

    Attributes:
        name: the layer's. layers: its name first, then the others' that take part whatever they follow.
        types: the types of activations that each layer's operators can have.
    """

    name: str
    layers: tuple[str, ...]
    types: Mapping[str, frozenset[DType]]

    def takes(self, scheme: QuantScheme) -> bool:
        """Whether the layer with weights computes in the scheme's types."""
        return scheme.activation.dtype in self.types[self.name]

    def named(self, scheme: QuantScheme) -> tuple[str, ...]:
        """The layers that can have the scheme: the others stay with the default."""
        return tuple(name for name in self.layers if scheme.activation.dtype in self.types[name])


def _rule(node: Node) -> QuantRule:
    return find_op(node.op).quant_rule(node.attrs)


def groups_of(graph: Graph) -> tuple[Group, ...]:
    """The groups of a float graph that is ready to be quantized, in its order.

    Layers that move numbers are in none: they follow (`edgeq.quant.following`).
    """
    leaders = [n.loc for n in graph.nodes if _rule(n).weight is not None or _rule(n).products]
    owner: dict[str, str] = {}
    members: dict[str, dict[str, None]] = {name: {name: None} for name in dict.fromkeys(leaders)}
    types: dict[str, frozenset[DType]] = {}
    for node in graph.nodes:
        op = find_op(node.op)
        types[node.loc] = types.get(node.loc, frozenset(DType)) & (frozenset(op.dtypes or DType))
        origin = next((owner[name] for name in real_operands(graph, node) if name in owner), "")
        group = node.loc if node.loc in members else origin
        if not group:
            continue
        owner.update(dict.fromkeys(node.outputs, group))
        if node.loc not in members and _rule(node).output is not OutputRule.SAME_AS_INPUT:
            members[group][node.loc] = None
    return tuple(
        Group(name, tuple(layers), {layer: types[layer] for layer in layers}) for name, layers in members.items()
    )


def default_candidates() -> tuple[str, ...]:
    """Of all schemes whose activations and weights have the same types, in blocks or not, the first."""
    found: dict[tuple, str] = {}
    for scheme in SCHEMES.values():
        in_blocks = scheme.weight.granularity is Granularity.PER_BLOCK
        found.setdefault((scheme.activation.dtype, scheme.weight.dtype, in_blocks), scheme.name)
    return tuple(found.values())


def chosen_candidates(names: Sequence[str] | None) -> tuple[str, ...]:
    """Those named, without repetition, or `default_candidates`; raises QuantizationError for an unknown one."""
    wanted = tuple(dict.fromkeys(names)) if names is not None else default_candidates()
    if not wanted:
        raise QuantizationError("no candidate is named", hint="name schemes of `edgeq schemes`, separated by commas")
    return tuple(find_scheme(name).name for name in wanted)


def recipe_text(groups: Sequence[Group], assignment: Sequence[str], default: str) -> str:
    """An assignment, a scheme's name for each group, as a recipe (`edgeq.quant.recipes`).

    Args:
        default: of layers that are in no group, and of those that cannot have their group's scheme.
    """
    lines = [f"scheme = {json.dumps(default)}"]
    for scheme in dict.fromkeys(assignment):
        given = [g.named(find_scheme(scheme)) for g, each in zip(groups, assignment, strict=True) if each == scheme]
        if scheme != default:
            pattern = "|".join(re.escape(name) for names in given for name in names)
            lines += ["", "[[layer]]", f"match = {json.dumps(pattern)}", f"scheme = {json.dumps(scheme)}"]
    return "\n".join(lines) + "\n"


def default_scheme(candidates: Sequence[str]) -> str:
    """The first with int8 activations, which every operator takes; "int8" where there is none."""
    narrow = [name for name in candidates if find_scheme(name).activation.dtype is DType.INT8]
    return narrow[0] if narrow else "int8"
