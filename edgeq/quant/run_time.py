"""Float Graph → integer Graph whose ranges are found at run time: no calibration, integers only on the device.

Every activation is a block of int8 with a range of its own, a second tensor (`edgeq.ops.run_time`). A layer that has a
counterpart among the operators on blocks, or can be made of such (`edgeq.quant.run_time_forms`), computes sums.
DYNAMIC_QUANTIZE finds their range and makes a block of them; ADAPTIVE_QUANTIZE does so by a range that follows the
inferences before, with a state.
Operators that only move or compare elements work on the block as it is, and its range stays; where they know zero from
other numbers (padding, rectifiers), the block's zero point is one that is known beforehand. Those whose results have a
fixed scale (softmax, the logistic function) are int16, in steps of 2^−8 before them; so are those whose results never
leave a known range (recurrent layers, normalizations), as the scheme int16x8 has them. Other functions of each element
are straight pieces between numbers in steps of 2^−16.

The edges are fixed-point: inputs, outputs and states are int32 in steps of 2^−16, from −32768 to 32767; outputs that an
operator fixes keep its scale.

Weights which the model file holds in int8 (dynamic-range files) keep their integers and scales.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from edgeq.errors import QuantizationError
from edgeq.fixedpoint_scales import scale_of
from edgeq.ir import DType, Graph, Node, QuantParams, State, Tensor, frozen_array, verify_graph
from edgeq.ops import Activation, OutputRule, Product, find_op, known_ops
from edgeq.ops.adaptive_quantize import STATE, UNSET, AdaptiveQuantizeAttrs
from edgeq.ops.cast import CastAttrs
from edgeq.ops.dynamic_function import DynamicFunctionAttrs, pieces_of
from edgeq.ops.dynamic_quantize import DynamicQuantizeAttrs
from edgeq.ops.requantizing import known_zero_point
from edgeq.ops.run_time import RANGE, SCALE
from edgeq.quant.by_ranges import quantize_graph
from edgeq.quant.params import symmetric_integers, symmetric_params
from edgeq.quant.recipes import Recipe
from edgeq.quant.run_time_forms import with_block_forms
from edgeq.quant.schemes import Ranges, find_scheme
from edgeq.quant.tying import rule_of
from edgeq.quant.weights import quantize_weights, weight_params

#: Steps of inputs and outputs, and of the int16 operands of operators whose results have a fixed scale.
EDGE = QuantParams([2.0**-16], [0])
BEFORE_FIXED = QuantParams([2.0**-8], [0])
#: The range of int16 operands in such steps.
_SPAN = (-32767 * 2.0**-8, 32767 * 2.0**-8)


@dataclass(frozen=True)
class _Scaled:
    """Names of integers and of their scale, a block's range; of sums, the activation that is still to come."""

    integers: str
    scale: str
    activation: Activation = Activation.NONE


@dataclass
class _Held:
    """What there is of a float tensor: its block, the sums that it is made of, its integers of a fixed scale."""

    block: _Scaled | None = None
    sums: _Scaled | None = None
    fixed: str = ""


def quantize_at_run_time(graph: Graph, recipe: Recipe) -> Graph:
    """The integer graph.

    Args:
        graph: float32, as `edgeq.passes.prepare_float` leaves it.
        recipe: says how the weights of each layer are quantized; it fits the graph (`Recipe.check`).

    Raises:
        QuantizationError: weights are computed at run time, or operators have no counterpart; all of them are named at
            once.
    """
    graph = with_block_forms(graph)
    work = _Work(graph, recipe)
    _refuse(node for node in graph.nodes if work.way(node) is None)
    for name in filter(work.is_real, graph.sources):
        work.add(replace(graph.tensors[name], dtype=DType.INT32, quant=EDGE))
        work.held[name] = _Held(fixed=name)
    for node in graph.nodes:
        work.way(node)(node)
    for name in filter(work.is_real, graph.outputs):
        if not work.held[name].fixed:
            work.fixed(name, DType.INT32, EDGE, name)
    work.states += map(work.state, graph.states)
    metadata = {**graph.metadata, "scheme": recipe.name}
    quantized = replace(graph, metadata=metadata).rewrite(work.nodes, work.tensors.values(), states=work.states)
    return verify_graph(quantized, "quantization")


def _refuse(nodes: Iterable[Node]) -> None:
    layers: dict[str, list[str]] = {}
    for node in nodes:
        layers.setdefault(node.op, []).append(node.loc)
    if layers:
        listed = "; ".join(f"{op} ({', '.join(names)})" for op, names in sorted(layers.items()))
        raise QuantizationError(
            f"no ranges can be found at run time for: {listed}",
            hint="quantize the model by a scheme with calibration, such as int8",
        )


def _counterparts() -> dict[str, str]:
    """The operator on blocks for each that has one."""
    return {op.stands_for: op.name for op in map(find_op, known_ops()) if getattr(op, "stands_for", "")}


@dataclass
class _Work:
    """The integer graph as far as it is made."""

    graph: Graph
    recipe: Recipe
    held: dict[str, _Held] = field(default_factory=dict)
    nodes: list[Node] = field(default_factory=list)
    tensors: dict[str, Tensor] = field(default_factory=dict)
    states: list[State] = field(default_factory=list)
    counterparts: dict[str, str] = field(default_factory=_counterparts)
    with_known_zero: set[str] = field(default_factory=set)

    def __post_init__(self):
        for node in reversed(self.graph.nodes):
            if self.way(node) == self.as_it_is and (
                find_op(node.op).knows_zero
                or getattr(node.attrs, "activation", Activation.NONE) is not Activation.NONE
                or self.with_known_zero.intersection(node.outputs)
            ):
                self.with_known_zero.update(filter(None, node.inputs))

    def way(self, node: Node) -> Callable[[Node], None] | None:
        """How the node becomes integers, None where it can not."""
        op, rule = find_op(node.op), rule_of(node)
        real = [name for name in node.inputs if name and self.is_real(name)]
        if not real and not any(map(self.is_real, node.outputs)):
            return self.nodes.append
        if node.op in self.counterparts:
            return self.summed
        if op.reach(node.attrs, *self.graph.operands(node)) is not None:
            return self.by_reach
        if rule.carried or rule.products or rule.symmetric or len(real) != 1:
            return None
        if rule.output is OutputRule.FIXED and DType.INT16 in dict(rule.fixed) and DType.INT16 in op.dtypes:
            return self.in_int16
        activation = getattr(node.attrs, "activation", Activation.NONE)
        as_it_is = op.homogeneous or rule.output is OutputRule.SAME_AS_INPUT
        if as_it_is and activation in (Activation.NONE, Activation.RELU):
            return self.as_it_is
        return self.in_pieces if pieces_of(DynamicFunctionAttrs(node.op, node.attrs)) is not None else None

    def is_real(self, name: str) -> bool:
        return self.graph.tensors[name].dtype is DType.FLOAT32

    # the ways

    def summed(self, node: Node) -> None:
        """By its counterpart on blocks."""
        rule = rule_of(node)
        product = Product(rule.weight, rule.weight_axis, rule.input, rule.bias) if rule.weight is not None else None
        names, scales = list(node.inputs), []
        for index, name in enumerate(names):
            if name and self.is_real(name) and (product is None or index not in (product.weight, product.bias)):
                held = self.block(name, node.loc)
                names[index] = held.integers
                scales.append(held.scale)
        if product is not None:
            names += [""] * (product.bias + 1 - len(names))
            names[product.weight] = self.weights(node, product)
            names[product.bias] = self.bias(names[product.bias], node.loc)
        activation = getattr(node.attrs, "activation", Activation.NONE)
        plain = node.attrs if activation is Activation.NONE else replace(node.attrs, activation=Activation.NONE)
        (result,) = node.outputs
        self.held[result] = self.sums(
            self.counterparts[node.op], (*names, *scales), result, plain, node.loc, activation
        )

    def in_pieces(self, node: Node) -> None:
        """A function of each element by straight pieces."""
        held = self.block(node.inputs[0], node.loc)
        attrs = DynamicFunctionAttrs(node.op, node.attrs)
        operands = (held.integers, held.scale)
        self.held[node.outputs[0]] = self.sums("DYNAMIC_FUNCTION", operands, node.outputs[0], attrs, node.loc)

    def as_it_is(self, node: Node) -> None:
        """By the same operator on the integers of the block."""
        (name,) = (n for n in node.inputs if n and self.is_real(n))
        held = self.block(name, node.loc)
        quant = self.tensors[held.integers].quant
        results = []
        for result in node.outputs:
            tensor = self.graph.tensors[result]
            if self.is_real(result):
                tensor = replace(tensor, name=self.block_name(result), dtype=DType.INT8, quant=quant)
                self.held[result] = _Held(block=_Scaled(tensor.name, held.scale))
            results.append(tensor)
        names = tuple(held.integers if n == name else n for n in node.inputs)
        self.emit(node.op, names, tuple(results), node.attrs, node.loc)

    def in_int16(self, node: Node) -> None:
        """In int16, between fixed scales."""
        (result,) = node.outputs
        operand = self.fixed(node.inputs[0], DType.INT16, BEFORE_FIXED, f"{result}/operand", node.loc)
        quant = QuantParams(*dict(rule_of(node).fixed)[DType.INT16])
        y = replace(self.graph.tensors[result], dtype=DType.INT16, quant=quant)
        self.emit(node.op, (operand,), (y,), node.attrs, node.loc)
        self.held[result] = _Held(fixed=result)

    def by_reach(self, node: Node) -> None:
        """By the same operator in int16 and int8 weights, between ranges that are known beforehand."""
        operands = self.graph.operands(node)
        reach = find_op(node.op).reach(node.attrs, *operands)
        ranges = {t.name: _SPAN for t in operands if t is not None and t.data is None}
        ranges |= {name: (-most, most) for name, most in zip(node.outputs, reach, strict=True)}
        for each in rule_of(node).carried:
            if each.operand < len(node.inputs) and node.inputs[each.operand]:
                ranges[node.inputs[each.operand]] = ranges[node.outputs[each.results[0]]]
        real = tuple(dict.fromkeys(name for name in node.inputs if name in ranges))
        alone = replace(self.graph, nodes=(node,), inputs=real, outputs=node.outputs, states=()).rewrite()
        integer = quantize_graph(alone, ranges, find_scheme("int16x8"))
        names = {}
        for name in integer.inputs:
            t = integer.tensors[name]
            names[name] = self.fixed(name, t.dtype, t.quant, f"{name}/fixed", node.loc)
        for t in integer.tensors.values():
            if t.name not in names:
                name = self.free(t.name) if t.name in self.tensors else t.name
                names[t.name] = self.add(replace(t, name=name)).name
        for each in integer.nodes:
            inputs, outputs = (tuple(names[n] if n else "" for n in some) for some in (each.inputs, each.outputs))
            self.nodes.append(replace(each, inputs=inputs, outputs=outputs))
        for name in node.outputs:
            self.held[name] = _Held(fixed=names[name])

    # forms of a float tensor

    def sums(
        self,
        op: str,
        operands: tuple[str, ...],
        result: str,
        attrs: Any,
        where: str,
        activation: Activation = Activation.NONE,
    ) -> _Held:
        """Those of a float tensor, computed by this operator."""
        sums = Tensor(self.free(f"{result}/sums"), self.graph.tensors[result].shape, DType.INT32)
        scale = Tensor(self.free(f"{sums.name}/scale"), SCALE, DType.INT32)
        self.emit(op, operands, (sums, scale), attrs, where)
        return _Held(sums=_Scaled(sums.name, scale.name, activation))

    def block(self, name: str, where: str) -> _Scaled:
        """The tensor's block, made where there is none yet."""
        held = self.held.setdefault(name, _Held())
        if held.block is None:
            if held.sums is not None:
                held.block = self.ranged(name, held.sums, where)
            elif held.fixed:
                held.block = self.ranged(name, self.widened(held.fixed, where), where)
            else:
                held.block = self.constant_block(self.graph.tensors[name])
        return held.block

    def fixed(self, name: str, dtype: DType, quant: QuantParams, wish: str, where: str = "") -> str:
        """Its integers of a fixed scale; where it has those already, they."""
        held = self.held.setdefault(name, _Held())
        if held.fixed:
            known = self.tensors[held.fixed]
            if (known.dtype, known.quant) == (dtype, quant):
                return known.name
        source = held.sums or (self.widened(held.fixed, where) if held.fixed else self.block(name, where))
        shape = self.graph.tensors[name].shape
        y = Tensor(wish if wish == name and wish not in self.tensors else self.free(wish), shape, dtype, quant)
        attrs = DynamicQuantizeAttrs(source.activation)
        self.emit("DYNAMIC_DEQUANTIZE", (source.integers, source.scale), (y,), attrs, where or self.made_by(name))
        return y.name

    def ranged(self, name: str, sums: _Scaled, where: str) -> _Scaled:
        """A block of sums, its range found."""
        known = name in self.with_known_zero
        # what is found at run time has no place in a graph: operators that take blocks as they are see their integers
        quant = QuantParams([1.0], [known_zero_point(sums.activation) if known else 0])
        y = Tensor(self.block_name(name), self.graph.tensors[name].shape, DType.INT8, quant)
        found = Tensor(self.free(f"{y.name}/range"), RANGE, DType.INT32)
        where = self.made_by(name) or where
        operands = (sums.integers, sums.scale)
        if self.recipe.layer(where).activation.ranges is Ranges.FOLLOWED:
            before = self.add(Tensor(self.free(f"{name}/level"), STATE, DType.INT32))
            after = replace(before, name=self.free(f"{before.name}/new"))
            attrs = AdaptiveQuantizeAttrs(sums.activation)
            self.emit("ADAPTIVE_QUANTIZE", (*operands, before.name), (y, found, after), attrs, where)
            self.states.append(State(before.name, after.name, np.array([UNSET, 0, 0, 0], np.int32)))
        else:
            attrs = DynamicQuantizeAttrs(sums.activation, symmetric=known)
            self.emit("DYNAMIC_QUANTIZE", operands, (y, found), attrs, where)
        return _Scaled(y.name, found.name)

    def widened(self, fixed: str, where: str) -> _Scaled:
        """int32 integers of a fixed scale, as sums are."""
        tensor = self.tensors[fixed]
        if tensor.dtype is not DType.INT32:
            wide = Tensor(self.free(f"{fixed}/sums"), tensor.shape, DType.INT32)
            self.emit("CAST", (fixed,), (wide,), CastAttrs(), where)
            fixed = wide.name
        return _Scaled(fixed, self.constant(f"{fixed}/scale", scale_of(tensor.quant.per_tensor[0])))

    def constant_block(self, tensor: Tensor) -> _Scaled:
        params = symmetric_params(tensor.data, DType.INT8, None)
        integers = symmetric_integers(tensor.data, params, DType.INT8)
        data = frozen_array(integers)
        block = self.add(
            Tensor(self.free(f"{tensor.name}/block"), tensor.shape, DType.INT8, QuantParams([1.0], [0]), data)
        )
        return _Scaled(block.name, self.constant(f"{block.name}/range", (*scale_of(params.per_tensor[0]), 0)))

    def state(self, state: State) -> State:
        """In fixed point where it is real, as inputs and outputs are."""
        if not self.is_real(state.read):
            return state
        written = self.fixed(state.written, DType.INT32, EDGE, state.written)
        return State(state.read, written, EDGE.quantize(state.initial, DType.INT32))

    # constants

    def weights(self, node: Node, product: Product) -> str:
        weight = self.graph.tensors[node.inputs[product.weight]]
        role = self.recipe.layer(node.loc).weight
        if weight.data is None:
            raise QuantizationError(f"{weight.name!r} must be a constant to be quantized", where=node.loc)
        integers, params = _file_integers(weight), weight.quant
        if integers is None:
            params = weight_params(weight.data, product.axis, role)
            integers = quantize_weights(weight.data, params, role)
        return self.shared(weight, integers, DType.INT8, params)

    def bias(self, name: str, where: str) -> str:
        if not name:
            return ""
        bias = self.graph.tensors[name]
        if bias.data is None:
            raise QuantizationError(f"{name!r} must be a constant to be quantized", where=where)
        params = symmetric_params(bias.data, DType.INT32, None)
        return self.shared(bias, symmetric_integers(bias.data, params, DType.INT32), DType.INT32, params)

    def shared(self, source: Tensor, integers: np.ndarray, dtype: DType, params: QuantParams) -> str:
        """An integer constant named after its float one, the same one for layers that share it."""
        known = self.tensors.get(source.name)
        new = Tensor(source.name, source.shape, dtype, params, frozen_array(integers, dtype.numpy))
        if known is not None and (known.quant != params or not np.array_equal(known.data, new.data)):
            new = replace(new, name=self.free(source.name))
        return self.add(new).name

    def constant(self, wish: str, values: tuple[int, ...]) -> str:
        data = frozen_array(values, np.int32)
        return self.add(Tensor(self.free(wish), data.shape, DType.INT32, data=data)).name

    # the graph

    def emit(self, op: str, inputs: tuple[str, ...], results: tuple[Tensor, ...], attrs: Any, where: str) -> None:
        for tensor in results:
            self.add(tensor)
        self.nodes.append(Node(op, inputs, tuple(t.name for t in results), attrs, where))

    def add(self, tensor: Tensor) -> Tensor:
        self.tensors[tensor.name] = tensor
        return tensor

    def block_name(self, name: str) -> str:
        """What is there before and after an inference keeps its name for its integers of a fixed scale."""
        taken = name in (*self.graph.sources, *self.graph.kept) or name in self.tensors
        return self.free(f"{name}/block") if taken else name

    def free(self, name: str) -> str:
        candidate, count = name, 1
        while candidate in self.tensors or candidate in self.graph.tensors:
            count += 1
            candidate = f"{name}:{count}"
        return candidate

    def made_by(self, name: str) -> str:
        node = self.graph.producers().get(name)
        return node.loc if node is not None else name


def _file_integers(weight: Tensor) -> np.ndarray | None:
    """The integers that a float constant was made of, where the file had it in int8 and it still is what they mean."""
    if weight.quant is None or np.any(weight.quant.zero_point != 0):
        return None
    integers = weight.quant.quantize(weight.data, DType.INT8)
    return integers if np.array_equal(weight.quant.dequantize(integers), weight.data) else None
