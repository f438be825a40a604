"""Depthwise convolutions whose weights have zero points: convolutions with a group for each channel know these."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from edgeq.ir import DType, Graph, Node, Tensor, frozen_array
from edgeq.ops import find_op
from edgeq.passes.rewriting import unique_name
from edgeq.quant.recipes import Recipe
from edgeq.quant.schemes import Granularity, QuantScheme

_DEPTHWISE = "DEPTHWISE_CONV_2D"


def as_grouped_convolutions(graph: Graph, recipe: Recipe) -> Graph:
    """The float graph with those depthwise convolutions whose scheme gives their weights zero points as convolutions of
    as many groups as there are input channels. The results are the same: channel o reads input channel o // multiplier
    in both."""
    for node in graph.nodes:
        if node.op == _DEPTHWISE and _has_zero_points(recipe.layer(node.loc)):
            weights = graph.tensors[node.inputs[1]]
            if weights.data is not None and weights.dtype is DType.FLOAT32:
                graph = _grouped(graph, node, weights)
    return graph


def _has_zero_points(scheme: QuantScheme) -> bool:
    return not scheme.weight.symmetric and scheme.weight.granularity is not Granularity.PER_BLOCK


def _grouped(graph: Graph, node: Node, weights: Tensor) -> Graph:
    a = node.attrs
    filters = frozen_array(np.transpose(weights.data, (3, 1, 2, 0)))
    name = unique_name(graph, f"{weights.name}/grouped")
    grouped = Node(
        "CONV_2D",
        (node.inputs[0], name, *node.inputs[2:]),
        node.outputs,
        find_op("CONV_2D").Attrs(a.stride, a.dilation, a.padding, a.activation),
        node.loc,
    )
    nodes = [grouped if each is node else each for each in graph.nodes]
    return graph.rewrite(nodes, [replace(weights, name=name, shape=filters.shape, data=filters)])
