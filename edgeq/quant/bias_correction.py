"""Bias correction: rounding weights and activations shifts the mean of a layer's channels; the bias takes it back.

After Nagel et al., "Data-Free Quantization Through Weight Equalization and Bias Correction" (2019), section 4.2, with
means measured on calibration data: the quantized network is imitated in float, layer by layer in execution order, so
that each layer also makes up for the shift of those before it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from edgeq.ir import Graph, Node, Tensor, frozen_array
from edgeq.ops import find_op
from edgeq.ops.base import Activation
from edgeq.quant.evaluate import batch_size
from edgeq.quant.recipes import Recipe, as_recipe
from edgeq.quant.schemes import QuantScheme
from edgeq.quant.tying import rule_of
from edgeq.quant.weights import quantize_bias

# Vectors that means are taken over: their error falls with the root of the count, time rises with the count.
MAX_VECTORS = 256


def corrected_biases(
    graph: Graph, quantized: Graph, inputs: Mapping[str, np.ndarray], scheme: QuantScheme | Recipe
) -> Graph:
    """The quantized graph with biases moved by the mean error of each channel.

    Args:
        graph: the float graph that `quantized` was made from.
        inputs: calibration data, float32 (n, *shape) by input name; MAX_VECTORS or fewer are used, evenly spread.

    Layers without a bias, and those whose scheme does not ask for it, are left alone. Weights keep their scales.
    """
    recipe = as_recipe(scheme)
    count = min(MAX_VECTORS, 4 * batch_size(graph), *(a.shape[0] for a in inputs.values()))
    chosen = {name: array[np.linspace(0, array.shape[0] - 1, count).astype(int)] for name, array in inputs.items()}
    exact = dict(chosen)
    rounded = {name: _rounded(quantized.tensors[name], array) for name, array in chosen.items()}
    replaced: dict[str, Tensor] = {}
    originals = {node.outputs[0]: node for node in graph.nodes}
    nodes = []
    for node in quantized.nodes:
        original = originals.get(node.outputs[0])
        if original is not None:
            exact.update(zip(node.outputs, _results(graph, original, exact, original.attrs), strict=True))
        rule = rule_of(node)
        wanted = rule.bias is not None and original is not None and recipe.layer(node.loc).bias_correction
        if wanted and len(node.inputs) > rule.bias and node.inputs[rule.bias]:
            bias = _corrected(graph, quantized, original, node, exact, rounded, recipe.layer(node.loc))
            node = replace(node, inputs=_with(node.inputs, rule.bias, bias.name))
            replaced[bias.name] = bias
        nodes.append(node)
        view = replace(quantized, tensors={**quantized.tensors, **replaced})
        for name, values in zip(node.outputs, _results(view, node, rounded, node.attrs), strict=True):
            rounded[name] = _rounded(quantized.tensors[name], values)
    return quantized.rewrite(nodes, replaced.values())


def _with(names: tuple[str, ...], index: int, name: str) -> tuple[str, ...]:
    return names[:index] + (name,) + names[index + 1 :]


def _results(graph: Graph, node: Node, values: Mapping[str, np.ndarray], attrs: object) -> tuple[np.ndarray, ...]:
    """A node's float32 results; quantized constants stand for the real numbers they represent."""
    operands = [
        None if t is None else _constant(t) if t.data is not None else values[t.name] for t in graph.operands(node)
    ]
    return find_op(node.op).evaluate(attrs, *operands)


def _constant(tensor: Tensor) -> np.ndarray:
    real = tensor.data if tensor.quant is None else tensor.quant.dequantize(tensor.data)
    return real[np.newaxis]


def _rounded(tensor: Tensor, values: np.ndarray) -> np.ndarray:
    """The values that the tensor's integers can represent."""
    if tensor.quant is None:
        return values
    return tensor.quant.dequantize(tensor.quant.quantize(values, tensor.dtype))


def _corrected(
    graph: Graph,
    quantized: Graph,
    original: Node,
    node: Node,
    exact: Mapping[str, np.ndarray],
    rounded: Mapping[str, np.ndarray],
    scheme: QuantScheme,
) -> Tensor:
    """The bias, moved by the mean difference before the activation. A new name: layers may share the old one."""
    bias = quantized.tensors[node.inputs[rule_of(node).bias]]
    linear = replace(original.attrs, activation=Activation.NONE)
    (wanted,) = _results(graph, original, exact, linear)
    (found,) = _results(quantized, node, rounded, linear)
    axes = tuple(range(wanted.ndim - 1))
    shift = (wanted.astype(np.float64) - found).mean(axis=axes)
    real = bias.quant.scale.astype(np.float64) * bias.data
    data = quantize_bias(real + shift, bias.quant, scheme.bias)
    return replace(bias, name=f"{node.outputs[0]}/corrected_bias", data=frozen_array(data, bias.dtype.numpy))
