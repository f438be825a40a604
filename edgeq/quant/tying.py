"""Which tensors must share their scale and zero point, and which parameters each activation gets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from edgeq.errors import CalibrationError, QuantizationError
from edgeq.ir import DType, Graph, Node, QuantParams, Tensor
from edgeq.ops import OutputRule, QuantRule, find_op
from edgeq.quant.following import real_operands
from edgeq.quant.observers import Range
from edgeq.quant.params import affine_params
from edgeq.quant.schemes import RoleScheme
from edgeq.quant.states import carried, insert_conversions, power_of_two

if TYPE_CHECKING:
    from edgeq.quant.recipes import Recipe


def rule_of(node: Node) -> QuantRule:
    """The operator's rule; raises QuantizationError for an unknown operator."""
    op = find_op(node.op)
    if op is None:
        raise QuantizationError(f"operator {node.op} is not supported", where=node.loc)
    return op.quant_rule(node.attrs)


def tied_operands(graph: Graph, node: Node) -> list[str]:
    """The float operands of a SAME_AS_INPUT node, constants included."""
    names = dict.fromkeys(filter(None, node.inputs))
    return [name for name in names if graph.tensors[name].dtype is DType.FLOAT32]


#: Parameters by type: `QuantRule.fixed`.
Fixed = tuple[tuple[DType, tuple[float, int]], ...]


class _Classes:
    """Disjoint sets of tensor names, each with the fixed parameters it must have, if any."""

    def __init__(self):
        self.parent: dict[str, str] = {}
        self.fixed: dict[str, Fixed] = {}

    def find(self, name: str) -> str:
        self.parent.setdefault(name, name)
        while self.parent[name] != name:
            self.parent[name] = self.parent[self.parent[name]]
            name = self.parent[name]
        return name

    def fixed_of(self, name: str) -> Fixed | None:
        return self.fixed.get(self.find(name))

    def union(self, a: str, b: str) -> bool:
        """Ties two tensors; False where their fixed parameters contradict."""
        a, b = self.find(a), self.find(b)
        if a == b:
            return True
        fixed = {self.fixed[root] for root in (a, b) if root in self.fixed}
        if len(fixed) > 1:
            return False
        self.parent[b] = a
        if fixed:
            self.fixed[a] = fixed.pop()
        return True


def insert_requantize(graph: Graph, recipe: Recipe) -> Graph:
    """Puts QUANTIZE before operands that cannot share parameters with the others.

    That is: states of a type of their own; operands that a layer of another type has computed; and operands of a node
    with several (CONCATENATION) which have fixed parameters while others have none, or have other ones. Tying them
    would force the others into a range that is not theirs.

    Args:
        recipe: fits the graph (`Recipe.check`).
    """
    graph = _insert_borders(insert_conversions(graph), recipe)
    classes = _fixed_classes(graph)
    nodes: list[Node] = []
    added: list[Tensor] = []
    for node in graph.nodes:
        operands = tied_operands(graph, node) if rule_of(node).output is OutputRule.SAME_AS_INPUT else []
        if len({classes.fixed_of(name) for name in operands}) > 1:
            for name in [n for n in operands if classes.fixed_of(n) is not None]:
                copy = replace(graph.tensors[name], name=_free(graph, added, f"{node.outputs[0]}/requantized"))
                added.append(copy)
                nodes.append(Node("QUANTIZE", (name,), (copy.name,), find_op("QUANTIZE").Attrs(), node.loc))
                node = replace(node, inputs=tuple(copy.name if i == name else i for i in node.inputs))
        nodes.append(node)
    return graph.rewrite(nodes, added) if added else graph


def _insert_borders(graph: Graph, recipe: Recipe) -> Graph:
    """QUANTIZE where a layer reads what another one has computed in another type; readers of one type share it."""
    types = {name: role.dtype for name, role in recipe.activation_roles(graph).items()}
    carried_on = {(id(node), before) for node, each, before, _ in carried(graph) if each.dtype}
    copies: dict[tuple[str, DType], str] = {}
    nodes: list[Node] = []
    added: list[Tensor] = []
    for original in graph.nodes:
        node, dtype = original, recipe.layer(original.loc).activation.dtype
        for name in real_operands(graph, original):
            if node.op == "QUANTIZE" or types[name] is dtype or (id(original), name) in carried_on:
                continue
            if (name, dtype) not in copies:
                copy = replace(graph.tensors[name], name=_free(graph, added, f"{name}/{dtype.value}"))
                added.append(copy)
                copies[name, dtype] = copy.name
                nodes.append(Node("QUANTIZE", (name,), (copy.name,), find_op("QUANTIZE").Attrs(), node.loc))
            node = replace(node, inputs=tuple(copies[name, dtype] if i == name else i for i in node.inputs))
        nodes.append(node)
    return graph.rewrite(nodes, added) if added else graph


def _free(graph: Graph, added: list[Tensor], name: str) -> str:
    taken = {t.name for t in added} | set(graph.tensors)
    candidate, count = name, 1
    while candidate in taken:
        count += 1
        candidate = f"{name}:{count}"
    return candidate


def _fixed_classes(graph: Graph) -> _Classes:
    """Classes after tying nodes with one operand only, which always can be tied, and states with their new values."""
    classes = _Classes()
    for node in graph.nodes:
        rule = rule_of(node)
        if rule.output is OutputRule.FIXED:
            for name in node.outputs:
                classes.fixed[classes.find(name)] = rule.fixed
    for node in graph.nodes:
        if rule_of(node).output is OutputRule.SAME_AS_INPUT and len(tied_operands(graph, node)) == 1:
            for name in node.outputs:
                _tie(classes, tied_operands(graph, node)[0], name, node.loc)
    for node, each, before, after in carried(graph):
        for name in after:
            if each.scale is not None:
                classes.fixed[classes.find(name)] = ((each.dtype, (each.scale, 0)),)
            _tie(classes, before or after[0], name, node.loc)
    for state in graph.states:
        if graph.tensors[state.read].dtype is DType.FLOAT32:
            _tie(classes, state.read, state.written, "a state and its new value")
    return classes


def _tie(classes: _Classes, a: str, b: str, where: str) -> None:
    if not classes.union(a, b):
        raise QuantizationError(f"{a!r} and {b!r} must share a scale and cannot", where=where)


@dataclass(frozen=True)
class Tied:
    """Tensors that share one scale and zero point.

    Attributes:
        members: names of float32 activations, and of constants tied to them, in the graph's order.
        role: that of the member which is computed first.
        fixed: the parameters that an operator demands, else None.
        powers: the powers of 2 that the scale may be, where an operator demands one (`edgeq.ops.base.Carried`).
    """

    members: tuple[str, ...]
    role: RoleScheme
    fixed: QuantParams | None
    powers: range = range(0)


def tied_activations(graph: Graph, roles: Mapping[str, RoleScheme]) -> tuple[Tied, ...]:
    """Every float32 activation of the graph in one class.

    Args:
        roles: of each activation by name.
    """
    classes = _fixed_classes(graph)
    for node in graph.nodes:
        if rule_of(node).output is OutputRule.SAME_AS_INPUT:
            names = [*tied_operands(graph, node), *node.outputs]
            for name in names[1:]:
                _tie(classes, names[0], name, node.loc)
    members: dict[str, list[str]] = {}
    for name in [*_activations(graph), *(name for name in classes.parent if graph.tensors[name].is_constant)]:
        members.setdefault(classes.find(name), []).append(name)
    shared: dict[str, RoleScheme] = {}
    for name in [*graph.sources, *(name for node in graph.nodes for name in node.outputs)]:
        if name in roles:
            shared.setdefault(classes.find(name), roles[name])
    powers = {classes.find(after[0]): each.powers for _, each, _, after in carried(graph) if each.powers}
    fixed = {
        root: _fixed_params(classes.fixed[root], shared[root], members[root][0])
        for root in members
        if root in classes.fixed
    }
    return tuple(
        Tied(tuple(names), shared[root], fixed.get(root), powers.get(root, range(0))) for root, names in members.items()
    )


def _fixed_params(fixed: Fixed, role: RoleScheme, name: str) -> QuantParams:
    """Of the role's type; raises QuantizationError where the operator has none for it."""
    if role.dtype not in dict(fixed):
        known = " or ".join(dtype.value for dtype, _ in fixed)
        raise QuantizationError(
            f"its result can be {known}, not {role.dtype.value}",
            where=name,
            hint="give its layer a rule of its own in a recipe, with an int8 scheme",
        )
    return QuantParams(*dict(fixed)[role.dtype])


def activation_params(
    graph: Graph, ranges: Mapping[str, Range], roles: Mapping[str, RoleScheme]
) -> dict[str, QuantParams]:
    """Parameters of every float32 activation, and of the constants tied to one.

    Tied tensors share the union of their ranges, or the fixed parameters of one of them, and the role of the one that
    is computed first.

    Args:
        roles: of each activation by name.

    Raises:
        CalibrationError: a tensor has no range.
    """
    params = {}
    for tied in tied_activations(graph, roles):
        lows, highs = zip(*(_range(graph, ranges, name) for name in tied.members), strict=True)
        if tied.powers:
            chosen = power_of_two(min(lows), max(highs), tied.powers)
        else:
            chosen = tied.fixed if tied.fixed is not None else affine_params(min(lows), max(highs), tied.role)
        params.update(dict.fromkeys(tied.members, chosen))
    return params


def _activations(graph: Graph) -> list[str]:
    return [t.name for t in graph.tensors.values() if t.dtype is DType.FLOAT32 and not t.is_constant]


def _range(graph: Graph, ranges: Mapping[str, Range], name: str) -> Range:
    tensor = graph.tensors[name]
    if tensor.data is not None:
        return float(tensor.data.min(initial=0.0)), float(tensor.data.max(initial=0.0))
    if name in ranges:
        return ranges[name]
    node = graph.producers().get(name)
    if node is not None and node.op == "QUANTIZE" and node.inputs[0] in ranges:
        return ranges[node.inputs[0]]
    raise CalibrationError("this tensor was not seen during calibration", where=name)
