"""Float Graph → integer Graph by ranges that are known: which integers every activation, weight and bias becomes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from edgeq.errors import QuantizationError
from edgeq.ir import DType, Graph, Node, QuantParams, Tensor, frozen_array, verify_graph
from edgeq.ops import Product, SymmetricConstant
from edgeq.ops.binary_inputs import TwoLevels
from edgeq.passes.binary_inputs import with_binary_inputs
from edgeq.quant.binary_inputs import takes_binary_inputs
from edgeq.quant.observers import Range
from edgeq.quant.params import affine_params, quantize_to, symmetric_integers, symmetric_params
from edgeq.quant.recipes import Recipe, as_recipe
from edgeq.quant.schemes import QuantScheme
from edgeq.quant.tying import activation_params, insert_requantize, rule_of, tied_operands
from edgeq.quant.weights import (
    bias_params,
    fitting_role,
    least_scale_for_bias,
    missing,
    quantize_bias,
    quantize_weights,
    weight_params,
)

#: The entry of a graph's metadata with what users should know, a line each.
NOTES = "notes"


def quantize_graph(
    graph: Graph,
    ranges: Mapping[str, Range],
    scheme: QuantScheme | Recipe,
    weight_scales: Mapping[str, np.ndarray] | None = None,
    levels: Mapping[str, TwoLevels] | None = None,
) -> Graph:
    """The integer graph.

    Args:
        graph: float32.
        ranges: (low, high) of every activation, by tensor name.
        scheme: of the whole network, or of each layer; each fits the graph (`Recipe.check`).
        weight_scales: of weights by their name, float32 (channels,) or (1,), where training has found them.
        levels: the two values of each binary input, by the name of the layer's result.

    Activations are affine per tensor, with 0 exact, and a state shares scale and zero point with its new value; weights
    are symmetric, per channel where the operator allows it; biases int32 at input scale · weight scale. Where a bias
    would not fit, the channel's weight scale is raised, and the graph's metadata says so under "notes".

    Raises:
        QuantizationError: weights are not constant, or an operator is not supported.
        CalibrationError: a tensor has no range.
    """
    recipe = as_recipe(scheme)
    graph = insert_requantize(graph, recipe)
    roles = recipe.activation_roles(graph)
    work = _Work(graph, recipe, activation_params(graph, ranges, roles), weight_scales or {}, levels or {})
    nodes = [work.node(node) for node in graph.nodes]
    activations = [
        replace(t, dtype=roles[t.name].dtype, quant=work.params[t.name])
        for t in graph.tensors.values()
        if t.dtype is DType.FLOAT32 and not t.is_constant
    ]
    states = [
        replace(s, initial=quantize_to(s.initial, work.params[s.read], roles[s.read])) if s.read in work.params else s
        for s in graph.states
    ]
    metadata = {**graph.metadata, "scheme": recipe.name}
    if work.notes:
        metadata[NOTES] = "\n".join(work.notes)
    quantized = replace(graph, metadata=metadata).rewrite(
        nodes, [*activations, *work.constants.values()], states=states
    )
    return verify_graph(quantized, "quantization")


@dataclass
class _Work:
    """Constants made so far, while nodes are rewritten one by one."""

    graph: Graph
    recipe: Recipe
    params: Mapping[str, QuantParams]
    weight_scales: Mapping[str, np.ndarray]
    levels: Mapping[str, TwoLevels]
    constants: dict[str, Tensor] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def node(self, node: Node) -> Node:
        node = self._with_binary_inputs(node)
        rule = rule_of(node)
        names = list(node.inputs)
        tied = set(tied_operands(self.graph, node)) if rule.output.name == "SAME_AS_INPUT" else set()
        products = list(rule.products)
        if rule.weight is not None:
            products.insert(0, Product(rule.weight, rule.weight_axis, rule.input, rule.bias))
        for product in products:
            self._weighted(node, product, names)
        for each in rule.symmetric:
            self._symmetric(node, each, names)
        done = {place for product in products for place in (product.weight, product.bias)}
        done |= {each.operand for each in rule.symmetric}
        for index, name in enumerate(names):
            tensor = self.graph.tensors.get(name) if name else None
            if tensor is None or not tensor.is_constant or tensor.dtype is not DType.FLOAT32:
                continue
            if index not in done:
                role = self.recipe.layer(node.loc).activation
                low, high = float(tensor.data.min(initial=0.0)), float(tensor.data.max(initial=0.0))
                params = self.params[name] if name in tied else affine_params(low, high, role)
                names[index] = self._add(tensor, quantize_to(tensor.data, params, role), role.dtype, params)
        return replace(node, inputs=tuple(names))

    def _with_binary_inputs(self, node: Node) -> Node:
        scheme = self.recipe.layer(node.loc)
        if not scheme.binary_inputs:
            return node
        if takes_binary_inputs(self.graph, node, scheme):
            if node.outputs[0] not in self.levels:
                raise QuantizationError("nothing says which two values the layer's input has", where=node.loc)
            return with_binary_inputs(node, self.levels[node.outputs[0]])
        if rule_of(node).weight is not None:
            self.notes.append(f"{node.loc}: the input of this {node.op} stays {scheme.activation.dtype.value}")
        return node

    def _weighted(self, node: Node, product: Product, names: list[str]) -> None:
        weight = self.graph.tensors[names[product.weight]]
        has_bias = product.bias is not None and len(names) > product.bias and names[product.bias] != ""
        bias = self.graph.tensors[names[product.bias]] if has_bias else None
        for tensor in filter(None, (weight, bias)):
            if tensor.data is None or tensor.dtype is not DType.FLOAT32:
                raise QuantizationError(
                    f"{tensor.name!r} must be a float32 constant to be quantized",
                    where=node.loc,
                    hint="weights and biases computed at run time are not supported",
                )
        levels = getattr(node.attrs, "levels", None)
        input_params = self.params[names[product.input]] if levels is None else levels.quant
        scheme = self.recipe.layer(node.loc)
        role = fitting_role(node.op, scheme.weight)
        note = f"{node.loc}: {missing(node.op, scheme.weight)}"
        if role != scheme.weight and note not in self.notes:
            self.notes.append(note)
        plain = weight_params(weight.data, product.axis, role)
        least = least_scale_for_bias(None if bias is None else bias.data, float(input_params.scale[0]), scheme.bias)
        params = weight_params(weight.data, product.axis, role, least)
        if weight.name in self.weight_scales:
            scale = self.weight_scales[weight.name]
            plain = params = QuantParams(scale, np.zeros(scale.size), product.axis if scale.size > 1 else None)
        if params != plain:
            raised = int(np.count_nonzero(params.scale != plain.scale))
            width = scheme.bias.dtype.value
            self.notes.append(
                f"{node.loc}: weight scales of {raised} channels raised, their bias would not fit {width}"
            )
        names[product.weight] = self._add(weight, quantize_weights(weight.data, params, role), role.dtype, params)
        for_bias = bias_params(input_params, params)
        if bias is not None:
            integers = quantize_bias(bias.data, for_bias, scheme.bias)
            names[product.bias] = self._add(bias, integers, scheme.bias.dtype, for_bias)
        elif scheme.bias.dtype is DType.INT64 and product.bias is not None:
            # without a bias TFLite's dense layer sums in 32 bits, which 16-bit activations soon exceed
            channels = weight.shape[product.axis]
            none = Tensor(f"{weight.name}/no_bias", (channels,), DType.FLOAT32)
            names[product.bias :] = [self._add(none, np.zeros(channels), scheme.bias.dtype, for_bias)]

    def _symmetric(self, node: Node, each: SymmetricConstant, names: list[str]) -> None:
        if each.operand >= len(names) or not names[each.operand]:
            return
        tensor = self.graph.tensors[names[each.operand]]
        if tensor.data is None or tensor.dtype is not DType.FLOAT32:
            raise QuantizationError(f"{tensor.name!r} must be a float32 constant to be quantized", where=node.loc)
        params = symmetric_params(tensor.data, each.dtype, each.axis)
        names[each.operand] = self._add(tensor, symmetric_integers(tensor.data, params, each.dtype), each.dtype, params)

    def _add(self, source: Tensor, data: np.ndarray, dtype: DType, params: QuantParams) -> str:
        """An integer constant named after its float one; another name where layers share it but not its parameters."""
        name, count = source.name, 1
        while True:
            known = self.constants.get(name)
            if known is None and (name == source.name or name not in self.graph.tensors):
                break
            if known is not None and known.quant == params and np.array_equal(known.data, data):
                return name
            count += 1
            name = f"{source.name}:{count}"
        self.constants[name] = Tensor(name, source.shape, dtype, params, frozen_array(data, dtype.numpy))
        return name
