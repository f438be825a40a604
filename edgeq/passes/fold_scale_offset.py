"""Folds a factor and an offset per channel (batch normalization, at inference) into the layer before them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from edgeq.ir import Graph, Node
from edgeq.ops.base import Activation
from edgeq.passes.channelwise import (
    WEIGHTED,
    Channelwise,
    bias_of,
    by_input,
    channelwise,
    is_foldable,
    scaled_outputs,
)
from edgeq.passes.rewriting import float_constant, sole_reader, until_stable


def fold_scale_offset(graph: Graph) -> Graph:
    """layer → MUL, ADD or SUB by constants becomes one layer. Equal up to float32 rounding of the new weights.

    Only where nothing else reads the layer's result; the new weights are computed in double. The folded layer takes
    over the name and the activation of the node that disappears.
    """

    def step(graph: Graph) -> Graph | None:
        producers, consumers = graph.producers(), graph.consumers()
        for node in graph.nodes:
            part = channelwise(graph, node)
            layer = producers.get(part.data) if part is not None else None
            if layer is None or not is_foldable(graph, layer) or layer.attrs.activation is not Activation.NONE:
                continue
            if sole_reader(graph, part.data, consumers) is node:
                return _fold(graph, layer, part)
        return None

    return until_stable(graph, step)


def _fold(graph: Graph, layer: Node, part: Channelwise) -> Graph:
    weights = graph.tensors[layer.inputs[1]]
    channels = weights.shape[WEIGHTED[layer.op]]
    kernel = float_constant(graph, _folded(weights.name), scaled_outputs(graph, layer, part.factor))
    bias = float_constant(graph, _bias_name(layer), bias_of(graph, layer, channels) * part.factor + part.offset)
    folded = replace(
        layer,
        inputs=(layer.inputs[0], kernel.name, bias.name),
        outputs=part.node.outputs,
        attrs=replace(layer.attrs, activation=part.activation),
    )
    nodes = [folded if n is layer else n for n in graph.nodes if n is not part.node]
    return graph.rewrite(nodes, [kernel, bias])


def _folded(name: str) -> str:
    return name if name.endswith("/folded") else f"{name}/folded"


def _bias_name(layer: Node) -> str:
    return _folded(layer.inputs[2] if len(layer.inputs) > 2 and layer.inputs[2] else f"{layer.loc}/bias")


def fold_into_next(graph: Graph) -> Graph:
    """MUL, ADD or SUB by constants → layer becomes one layer (rescaled inputs, normalization before a convolution).

    Equal up to float32 rounding. An offset passes only where no zero padding surrounds it: dense layers and VALID
    convolutions.
    """

    def step(graph: Graph) -> Graph | None:
        consumers = graph.consumers()
        for node in graph.nodes:
            part = channelwise(graph, node)
            layer = sole_reader(graph, node.outputs[0], consumers) if part is not None else None
            if layer is None or part.activation is not Activation.NONE or not is_foldable(graph, layer):
                continue
            if layer.inputs[0] == node.outputs[0] and _may_enter(graph, layer, part):
                return _fold_forward(graph, layer, part)
        return None

    return until_stable(graph, step)


def _may_enter(graph: Graph, layer: Node, part: Channelwise) -> bool:
    if layer.op == "FULLY_CONNECTED":
        return graph.tensors[layer.inputs[1]].shape[1] == part.factor.size
    return not np.any(part.offset) or layer.attrs.padding.name == "VALID"


def _fold_forward(graph: Graph, layer: Node, part: Channelwise) -> Graph:
    weights = graph.tensors[layer.inputs[1]]
    data = weights.data.astype(np.float64)
    summed = tuple(a for a in range(data.ndim) if a != WEIGHTED[layer.op])
    added = (data * by_input(graph, layer, part.offset)).sum(axis=summed)
    channels = weights.shape[WEIGHTED[layer.op]]
    kernel = float_constant(graph, _folded(weights.name), data * by_input(graph, layer, part.factor))
    bias = float_constant(graph, _bias_name(layer), bias_of(graph, layer, channels) + added)
    folded = replace(layer, inputs=(part.data, kernel.name, bias.name))
    return graph.rewrite([folded if n is layer else n for n in graph.nodes if n is not part.node], [kernel, bias])
