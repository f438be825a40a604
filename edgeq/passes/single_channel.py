"""Depthwise convolutions of one channel become ordinary ones."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from edgeq.ir import DType, Graph, Node, QuantParams, Tensor, frozen_array
from edgeq.ops.conv_2d import Conv2DAttrs
from edgeq.passes.rewriting import unique_name


def convolve_single_channel(graph: Graph) -> Graph:
    """A DEPTHWISE_CONV_2D that makes several channels of a single one becomes a CONV_2D with the same filters.

    Exact: it is the same sum, and both requantize it by channel. Convolutions have their results from inputs that all
    channels share, which is far faster. For int8 only, which alone has such kernels.
    """
    added: dict[str, Tensor] = {}
    nodes = [_convolution(graph, node, added) if _has_one_channel(graph, node) else node for node in graph.nodes]
    return graph.rewrite(nodes, list(added.values()))


def _has_one_channel(graph: Graph, node: Node) -> bool:
    if node.op != "DEPTHWISE_CONV_2D" or node.attrs.depth_multiplier < 2:
        return False
    x, w = graph.operands(node)[:2]
    return x.shape[3] == 1 and x.dtype is DType.INT8 and w.dtype is DType.INT8 and w.is_constant


def _convolution(graph: Graph, node: Node, added: dict[str, Tensor]) -> Node:
    w = graph.tensors[node.inputs[1]]
    # (1, height, width, channels) to (channels, height, width, 1)
    data = np.moveaxis(w.data, 3, 0)[..., np.newaxis][:, 0]
    axis = None if w.quant.axis is None else 0
    filters = replace(
        w,
        name=unique_name(graph, f"{w.name}/filters"),
        shape=data.shape,
        quant=QuantParams(w.quant.scale, w.quant.zero_point, axis),
        data=frozen_array(data),
    )
    added[filters.name] = filters
    attrs = Conv2DAttrs(node.attrs.stride, node.attrs.dilation, node.attrs.padding, node.attrs.activation)
    return replace(node, op="CONV_2D", inputs=(node.inputs[0], filters.name, *node.inputs[2:]), attrs=attrs)
