"""Walks a quantized network beside its float original, layer by layer, and lets steps change each layer on the way.

The quantized network is imitated in float, rounded where its integers round, so that each layer sees what the layers
before it, as they have been changed, really hand on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from edgeq.ir import Graph, Node, Tensor
from edgeq.ops import QuantRule
from edgeq.quant.calibration import Samples, some_of
from edgeq.quant.evaluate import batch_size, evaluate, node_results
from edgeq.quant.recipes import Recipe
from edgeq.quant.schemes import QuantScheme
from edgeq.quant.tying import rule_of

#: Vectors that the walk takes along: the error of means falls with the root of their number, time rises with it.
MAX_VECTORS = 256


@dataclass(frozen=True)
class Layer:
    """A layer with weights during the walk.

    Attributes:
        graph, node: the float network and its layer.
        quantized, integer: the quantized network, as changed so far, and its layer.
        exact, rounded: values of activations by name, float32 (n, *shape): the float network's, and the imitation's.
        scheme: the layer's.
    """

    graph: Graph
    node: Node
    quantized: Graph
    integer: Node
    exact: Mapping[str, np.ndarray]
    rounded: Mapping[str, np.ndarray]
    scheme: QuantScheme

    @property
    def rule(self) -> QuantRule:
        return rule_of(self.integer)

    def linear_results(self) -> tuple[np.ndarray, np.ndarray]:
        """(exact, imitated) results before the activation, float32 (n, *shape)."""
        (wanted,) = node_results(self.graph, self.node, self.exact, linear=True)
        (found,) = node_results(self.quantized, self.integer, self.rounded, linear=True)
        return wanted, found


#: Gives (operand index, its new constant), or None where there is nothing to change.
Step = Callable[[Layer], tuple[int, Tensor] | None]


def walk(
    graph: Graph,
    quantized: Graph,
    inputs: Samples | Mapping[str, np.ndarray],
    recipe: Recipe,
    steps: Sequence[Step],
) -> Graph:
    """The quantized graph after every step, in this order, has seen every layer with weights.

    Args:
        graph: the float graph that `quantized` was made from.
        inputs: calibration data, or float32 (n, *shape) by input name; MAX_VECTORS or fewer are used (`some_of`).
    """
    chosen = some_of(graph, inputs, min(MAX_VECTORS, 4 * batch_size(graph)))
    if graph.states:
        # every vector finds the states as the float network has them
        seen = evaluate(graph, chosen)
        chosen.update((state.read, seen[state.read]) for state in graph.states)
    exact = dict(chosen)
    rounded = {name: _rounded(quantized.tensors[name], array) for name, array in chosen.items()}
    originals = {node.outputs[0]: node for node in graph.nodes}
    replaced: dict[str, Tensor] = {}
    nodes = []
    for node in quantized.nodes:
        original = originals.get(node.outputs[0])
        if original is not None:
            exact.update(zip(node.outputs, node_results(graph, original, exact), strict=True))
        view = replace(quantized, tensors={**quantized.tensors, **replaced})
        if original is not None and rule_of(node).weight is not None:
            for step in steps:
                change = step(Layer(graph, original, view, node, exact, rounded, recipe.layer(node.loc)))
                if change is not None:
                    index, tensor = change
                    node = replace(node, inputs=node.inputs[:index] + (tensor.name,) + node.inputs[index + 1 :])
                    replaced[tensor.name] = tensor
                    view = replace(quantized, tensors={**quantized.tensors, **replaced})
        nodes.append(node)
        for name, values in zip(node.outputs, node_results(view, node, rounded), strict=True):
            rounded[name] = _rounded(quantized.tensors[name], values)
    return quantized.rewrite(nodes, replaced.values())


def _rounded(tensor: Tensor, values: np.ndarray) -> np.ndarray:
    """The values that the tensor's integers can represent."""
    if tensor.quant is None:
        return values
    return tensor.quant.dequantize(tensor.quant.quantize(values, tensor.dtype))
