"""Random quantized graphs of many operators, grown out of the operators' own test cases.

A graph grows by grafts: a case of any operator in any of its formats (`tests/ops/cases`) is drawn, and each of its
runtime operands is connected to a tensor that is already there, recent or old. Where shapes differ, slices, tiles and
reshapes go between; where quantizations differ, the operator takes over the other one if it can, or a QUANTIZE goes
between. Residual sums and concatenations join branches, tensors that nobody reads are the graph's outputs, and some
that are read are so too. No operator is named here, but for those that connect.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from edgeq.errors import EdgeqError
from edgeq.fixedpoint import Dialect
from edgeq.ir import DType, Graph, Node, QuantParams, State, Tensor, verify_graph
from edgeq.ops import Activation, OutputRule, QuantRule, find_op
from edgeq.ops.concatenation import ConcatenationAttrs
from edgeq.ops.lookup import LookupAttrs
from edgeq.ops.pairwise import FusedPairwiseAttrs
from edgeq.ops.reshape import ReshapeAttrs

from ..ops.cases import cases_of, covered_formats, module_of
from ..ops.formats import Finer
from ..ops.graphs import Case, random_values

_GRAFTS = (4, 16)  # how many operators, without those that connect
_LARGEST = 2000  # elements of a tensor: what is larger costs time and shows nothing new
_FINER = 1 << 14  # by how much one QUANTIZE of int16 can be finer than its operand
_DRAWN = 5  # cases among which one that fits is looked for
_SCALED = (DType.INT8, DType.INT16)
# Operators whose scales are data take them only from their own kind, not whatever integers are at hand.
_FORMATS = tuple((op, dtype) for op, dtype in covered_formats() if not hasattr(module_of(op), "distances"))


class _Growing:
    def __init__(self, rng: np.random.Generator) -> None:
        self.rng = rng
        self.tensors: dict[str, Tensor] = {}
        self.nodes: list[Node] = []
        self.inputs: list[str] = []
        self.runtime: list[str] = []  # in order of their birth
        self.unread: list[str] = []
        self.states: list[State] = []
        self.delays: list[tuple[str, np.ndarray]] = []  # states whose new values are still to be chosen

    # --- parts

    def declare(self, tensor: Tensor) -> Tensor:
        """Adds a tensor under a name of its own."""
        named = replace(tensor, name=f"t{len(self.tensors)}")
        self.tensors[named.name] = named
        if named.data is None:
            self.runtime.append(named.name)
            self.unread.append(named.name)
        return named

    def add(self, op: str, operands: Sequence[str], results: Sequence[str], attrs: object) -> None:
        self.nodes.append(Node(op, tuple(operands), tuple(results), attrs, f"n{len(self.nodes)}"))
        self.unread = [name for name in self.unread if name not in operands]

    def fresh_input(self, like: Tensor) -> Tensor:
        """An input, or now and then a state: what another tensor was in the inference before."""
        tensor = self.declare(replace(like, data=None))
        if self.inputs and like.quant is not None and self.rng.random() < 0.3:
            self.delays.append((tensor.name, random_values(self.rng, tensor.shape, tensor.dtype)))
        else:
            self.inputs.append(tensor.name)
        return tensor

    def node(self, op: str, operands: list[Tensor], attrs: object, quant: QuantParams | None, dtype: DType) -> Tensor:
        """Adds a node with one result."""
        (shape,) = find_op(op).infer(attrs, *operands)
        result = self.declare(Tensor("", shape, dtype, quant))
        self.add(op, [t.name for t in operands], [result.name], attrs)
        return result

    def integers(self, *values: int) -> Tensor:
        data = np.array(values, np.int32)
        return self.declare(Tensor("", data.shape, DType.INT32, data=data))

    # --- connections

    def pick(self, fitting: list[str]) -> Tensor:
        """One of them: mostly one that nobody reads yet, else a recent one, or any, which has then lived long."""
        how = self.rng.random()
        unread = [name for name in fitting if name in self.unread]
        recent = unread[-2:] if unread and how < 0.7 else fitting[-3:] if how < 0.85 else fitting
        return self.tensors[recent[int(self.rng.integers(len(recent)))]]

    def source(self, wanted: Tensor) -> Tensor:
        """A tensor of the wanted kind of numbers, of the wanted size where there is one."""

        def fits(t: Tensor) -> bool:
            if wanted.quant is None:
                return t.dtype is wanted.dtype and t.quant is None
            return t.quant is not None and t.dtype in _SCALED

        fitting = [name for name in self.runtime if fits(self.tensors[name])]
        if not fitting or self.rng.random() < 0.08:
            return self.fresh_input(wanted)
        same = [n for n in fitting if self.tensors[n].size == wanted.size and self.tensors[n].dtype is wanted.dtype]
        return self.pick(same if same and self.rng.random() < 0.8 else fitting)

    def resized(self, x: Tensor, shape: tuple[int, ...]) -> Tensor:
        """As many of its elements as the shape holds, from anywhere in it, or repeated."""
        size = int(np.prod(shape, dtype=np.int64))
        if x.size < size:
            x = self.reshaped(x, (x.size,))
            x = self.move("TILE", x, self.integers(-(-size // x.size)))
        if x.size > size:
            x = self.reshaped(x, (x.size,))
            x = self.move("SLICE", x, self.integers(int(self.rng.integers(x.size - size + 1))), self.integers(size))
        return self.reshaped(x, shape)

    def move(self, op: str, x: Tensor, *constants: Tensor) -> Tensor:
        attrs = find_op(op).Attrs
        return self.node(op, [x, *constants], attrs() if attrs else None, x.quant, x.dtype)

    def reshaped(self, x: Tensor, shape: tuple[int, ...]) -> Tensor:
        return x if x.shape == shape else self.node("RESHAPE", [x], ReshapeAttrs(shape), x.quant, x.dtype)

    def requantized(self, x: Tensor, quant: QuantParams, dtype: DType) -> Tensor:
        return x if x.dtype is dtype and x.quant == quant else self.quantized(x, quant, dtype)

    def quantized(self, x: Tensor, quant: QuantParams, dtype: DType) -> Tensor:
        """By a QUANTIZE, or several: one shifts its operand by so many bits only, else 32 do not hold it."""
        scale, _ = x.quant.per_tensor
        if quant.per_tensor[0] < scale / _FINER:
            finer = self.node("QUANTIZE", [x], LookupAttrs(), QuantParams([scale / _FINER], [0]), x.dtype)
            return self.quantized(finer, quant, dtype)
        return self.node("QUANTIZE", [x], LookupAttrs(), quant, dtype)

    # --- steps

    def graft(self) -> None:
        """One more operator, from a case of its tests."""
        formats = _weighted() if self.rng.random() < 0.35 else _FORMATS
        op, dtype = formats[int(self.rng.integers(len(formats)))]
        if dtype not in _SCALED and not isinstance(dtype, Finer) and self.rng.random() < 0.7:
            return  # plain integers come from few operators, so most of these would read inputs of the graph
        case = self._draw(op, dtype)
        if case is None:
            return
        graph = case.graph
        (node,) = graph.nodes
        renamed = {"": ""}
        sources = {name: self.source(graph.tensors[name]) for name in graph.inputs}
        if len(graph.inputs) == 1:
            graph = _adopted(graph, sources[graph.inputs[0]])
        for name, x in sources.items():
            wanted = graph.tensors[name]
            x = self.resized(x, wanted.shape)
            renamed[name] = (x if wanted.quant is None else self.requantized(x, wanted.quant, wanted.dtype)).name
        for name, tensor in graph.tensors.items():
            if name not in renamed:
                renamed[name] = self.declare(tensor).name
        for state in graph.states:
            read, written = renamed[state.read], renamed[state.written]
            self.states.append(State(read, written, state.initial))
            # the operator's own: it may change in place
            self.runtime = [name for name in self.runtime if name not in (read, written)]
        self.add(op, [renamed[n] for n in node.inputs], [renamed[n] for n in node.outputs], node.attrs)

    def _draw(self, op: str, dtype: DType) -> Case | None:
        """A small case that reads something, if possible one whose first operand has the size of a tensor at hand."""
        drawn = cases_of(op, int(self.rng.integers(1 << 30)), _DRAWN, dtype)
        small = [c for c in drawn if c.graph.inputs and max(t.size for t in c.graph.tensors.values()) <= _LARGEST]
        sizes = {(self.tensors[n].size, self.tensors[n].dtype) for n in self.runtime}
        firsts = [c.graph.tensors[c.graph.inputs[0]] for c in small]
        fitting = [c for c, x in zip(small, firsts, strict=True) if (x.size, x.dtype) in sizes]
        return next(iter(fitting or small), None)

    def join(self) -> None:
        """A residual sum, or a concatenation of up to three branches."""
        fitting = [n for n in self.runtime if self.tensors[n].dtype in _SCALED and self.tensors[n].quant is not None]
        if not fitting:
            return
        first = self.pick(fitting)
        same = [n for n in fitting if self.tensors[n].size == first.size and self.tensors[n].dtype is first.dtype]
        if self.rng.random() < 0.5:
            second = self.reshaped(self.pick(same), first.shape)
            scale = float(first.quant.scale[0]) + float(second.quant.scale[0])
            zero = int(self.rng.integers(-60, 61)) if first.dtype is DType.INT8 else 0
            activation = list(Activation)[int(self.rng.integers(len(Activation)))]
            self.node("ADD", [first, second], FusedPairwiseAttrs(activation), QuantParams([scale], [zero]), first.dtype)
            return
        parts = [first] + [self.pick(fitting) for _ in range(int(self.rng.integers(1, 3)))]
        parts = [self.reshaped(self.requantized(x, first.quant, first.dtype), (x.size,)) for x in parts]
        if sum(x.size for x in parts) <= _LARGEST:
            self.node("CONCATENATION", parts, ConcatenationAttrs(0), first.quant, first.dtype)

    def graph(self, name: str) -> Graph:
        for read, initial in self.delays:
            old = self.tensors[read]
            x = self.resized(self.source(old), old.shape)
            self.states.append(State(read, self.quantized(x, old.quant, old.dtype).name, initial))
        given = {*self.inputs, *(state.read for state in self.states), *(state.written for state in self.states)}
        outputs = [n for n in self.runtime if n in self.unread and n not in given]
        computed = [n for n in self.runtime if n not in self.unread and n not in given]
        extra = [] if not computed else [self.pick(computed).name for _ in range(int(self.rng.integers(0, 3)))]
        outputs = list(dict.fromkeys([*outputs, *extra]))  # all that nobody reads, and some others
        self.rng.shuffle(outputs)
        graph = Graph(
            name, self.tensors, tuple(self.nodes), tuple(self.inputs), tuple(outputs), states=tuple(self.states)
        )
        return verify_graph(graph.rewrite(), "growing")


def _rule(node: Node) -> QuantRule | None:
    try:
        return find_op(node.op).quant_rule(node.attrs)
    except EdgeqError:  # an operator that edgeq does not quantize itself
        return None


@functools.cache
def _weighted() -> tuple[tuple[str, DType], ...]:
    """The formats of operators that multiply by weights, whose results follow their operands in memory."""

    def has_weights(op: str, dtype: DType) -> bool:
        (case,) = cases_of(op, 0, 1, dtype)
        rule = _rule(case.graph.nodes[0])
        return rule is not None and rule.weight is not None

    return tuple(each for each in _FORMATS if has_weights(*each))


def _adopted(graph: Graph, x: Tensor) -> Graph:
    """The one-operator graph reading numbers of `x`'s quantization, where the operator can; else as it is."""
    (node,) = graph.nodes
    (name,) = graph.inputs
    wanted = graph.tensors[name]
    rule = _rule(node)
    if rule is None or wanted.quant is None or x.dtype is not wanted.dtype or x.quant.axis is not None:
        return graph
    changed = {name: replace(wanted, quant=x.quant)}
    if rule.output is OutputRule.SAME_AS_INPUT:
        tied = [n for n in (*node.inputs, *node.outputs) if n and graph.tensors[n].quant == wanted.quant]
        changed |= {n: replace(graph.tensors[n], quant=x.quant) for n in tied}
    if rule.bias is not None and rule.bias < len(node.inputs) and node.inputs[rule.bias]:
        bias = graph.tensors[node.inputs[rule.bias]]
        factor = x.quant.scale[0] / wanted.quant.scale[0]
        changed[bias.name] = replace(
            bias, quant=QuantParams(bias.quant.scale * factor, bias.quant.zero_point, bias.quant.axis)
        )
    other = replace(graph, tensors={**graph.tensors, **changed})
    try:
        find_op(node.op).lower(node, other, Dialect.DOUBLE)
    except EdgeqError:
        return graph
    return other


def random_graph(seed: int) -> Graph:
    """The graph of that seed: some ten to sixty nodes, one or several inputs and outputs."""
    rng = np.random.default_rng([seed, 0x9A4F])
    growing = _Growing(rng)
    for _ in range(int(rng.integers(*_GRAFTS))):
        growing.graft()
        if rng.random() < 0.4:
            growing.join()
    while not growing.nodes:
        growing.graft()
    return growing.graph(f"random_{seed}")
