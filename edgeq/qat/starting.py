"""Where training begins: at what quantization of the trained model finds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from edgeq.ir import Graph, Node, QuantParams, Tensor
from edgeq.ops.binary_inputs import TwoLevels
from edgeq.quant.observers import Range
from edgeq.quant.params import SMALLEST_SCALE, quantize_to
from edgeq.quant.quantize import Calibrated
from edgeq.quant.recipes import Recipe
from edgeq.quant.schemes import RoleScheme
from edgeq.quant.tying import Tied, rule_of, tied_activations
from edgeq.quant.weights import fitting_role

#: How far within its step, of its width, a weight is put that was not rounded to the nearest.
_INSIDE = 1e-3


@dataclass(frozen=True)
class Start:
    """First values.

    Attributes:
        graph: the float network.
        constants: float32 weights and biases by name, where they are not the graph's: weights that round to the nearest
            as adaptive rounding has rounded them, biases after their correction.
        weights: parameters of each layer's weights, by the name of the layer's result.
        activations: parameters by tensor.
        levels: the two values of binary inputs, by the name of the layer's result.
        ranges: (low, high) of activations by tensor.
    """

    graph: Graph
    constants: Mapping[str, np.ndarray]
    weights: Mapping[str, QuantParams]
    activations: Mapping[str, QuantParams]
    levels: Mapping[str, TwoLevels]
    ranges: Mapping[str, Range]


def start_of(found: Calibrated, recipe: Recipe) -> Start:
    """The start whose integers are those of quantization after training.

    Constants that several layers share stay as they are.
    """
    graph, integers = found.exact, found.integers
    layers = {node.outputs[0]: node for node in integers.nodes}
    uses = Counter(name for node in graph.nodes for name in node.inputs)
    constants: dict[str, np.ndarray] = {}
    weights: dict[str, QuantParams] = {}
    levels: dict[str, TwoLevels] = {}
    for node in graph.nodes:
        rule, integer = rule_of(node), layers[node.outputs[0]]
        if rule.weight is None:
            continue
        name, rounded = node.inputs[rule.weight], integers.tensors[integer.inputs[rule.weight]]
        weights[node.outputs[0]] = rounded.quant
        if uses[name] == 1:
            role = fitting_role(integer.op, recipe.layer(node.loc).weight)
            constants[name] = _nearest(graph.tensors[name].data, rounded, role)
        if getattr(integer.attrs, "levels", None) is not None:
            levels[node.outputs[0]] = integer.attrs.levels
        bias = _bias(node, rule.bias)
        if bias and uses[bias] == 1:
            corrected = integers.tensors[integer.inputs[rule.bias]]
            real = corrected.quant.scale.astype(np.float64) * corrected.data
            constants[bias] = real.astype(np.float32).reshape(graph.tensors[bias].shape)
    known = (name for name in graph.tensors if name in integers.tensors)
    activations = {name: integers.tensors[name].quant for name in known if integers.tensors[name].quant}
    return Start(graph, constants, weights, activations, levels, found.calibration.ranges)


def _bias(node: Node, index: int | None) -> str:
    return node.inputs[index] if index is not None and len(node.inputs) > index else ""


def _nearest(real: np.ndarray, rounded: Tensor, role: RoleScheme) -> np.ndarray:
    """Weights as near to the real ones as rounding them to the nearest gives the rounded ones."""
    if not role.is_plain:
        return real
    shape = [1] * real.ndim
    if rounded.quant.axis is not None:
        shape[rounded.quant.axis] = -1
    scale = rounded.quant.scale.astype(np.float64).reshape(shape)
    integers = rounded.data.astype(np.float64)
    moved = np.clip(real / scale, integers - 0.5 + _INSIDE, integers + 0.5 - _INSIDE) * scale
    return np.where(quantize_to(real, rounded.quant, role) == rounded.data, real, moved).astype(np.float32)


def learned_activations(graph: Graph, recipe: Recipe) -> dict[str, bool]:
    """By name of what is given or computed, whether its step is trained."""
    learned = dict.fromkeys(graph.inputs, recipe.default.learned_steps)
    for node in graph.nodes:
        learned.update(dict.fromkeys(node.outputs, recipe.layer(node.loc).learned_steps))
    return learned


def first_computed(graph: Graph, tied: Tied) -> str:
    """The first member that is not a constant."""
    return next(name for name in tied.members if not graph.tensors[name].is_constant)


def papers_start(start: Start, recipe: Recipe, values: Mapping[str, np.ndarray]) -> Start:
    """The start with learned steps of 2⟨|v|⟩ / √Q_P, as Esser et al., "Learned Step Size Quantization" (2020), give it
    for the weights and for the first batch of activations. All constants are the graph's.

    Args:
        values: of the float network, (n, *shape) by name.

    Zero points are 0, or the least integer where values are never negative. What is always 0 keeps its step.
    """
    graph, weights, activations = start.graph, dict(start.weights), dict(start.activations)
    for node in graph.nodes:
        name, scheme = node.outputs[0], recipe.layer(node.loc)
        if name in weights and scheme.learned_steps:
            data = graph.tensors[node.inputs[rule_of(node).weight]].data
            others = tuple(a for a in range(data.ndim) if a != weights[name].axis)
            role = fitting_role(node.op, scheme.weight)
            first = 2 * np.abs(data).mean(axis=others).reshape(-1) / role.high**0.5
            first = np.where(first > SMALLEST_SCALE, first, weights[name].scale)
            weights[name] = replace(weights[name], scale=first)
    learned = learned_activations(graph, recipe)
    for tied in tied_activations(graph, recipe.activation_roles(graph)):
        if tied.fixed is None and learned[first_computed(graph, tied)]:
            known = [name for name in tied.members if name in values]
            low = min(start.ranges[name][0] for name in known)
            zero_point = tied.role.low if low >= 0 and not tied.role.symmetric else 0
            mean = float(np.mean([np.abs(values[name]).mean() for name in known]))
            step = 2 * mean / (tied.role.high - zero_point) ** 0.5
            if step > SMALLEST_SCALE:
                activations.update(dict.fromkeys(tied.members, QuantParams(step, zero_point)))
    return replace(start, constants={}, weights=weights, activations=activations)
