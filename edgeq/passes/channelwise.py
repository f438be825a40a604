"""MUL, ADD and SUB with one constant per channel, and the layers that can absorb them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgeq.ir import DType, Graph, Node, Tensor
from edgeq.ops.base import Activation

WEIGHTED = {"CONV_2D": 0, "DEPTHWISE_CONV_2D": 3, "FULLY_CONNECTED": 0}  # → the axis of output channels of the weights


@dataclass(frozen=True, eq=False)
class Channelwise:
    """y = factor · x + offset along x's last axis, then the node's activation.

    Attributes:
        data: name of x.
        factor, offset: float64, (channels,).
    """

    node: Node
    data: str
    factor: np.ndarray
    offset: np.ndarray

    @property
    def activation(self) -> Activation:
        return self.node.attrs.activation


def channelwise(graph: Graph, node: Node) -> Channelwise | None:
    """The node as a factor and an offset per channel, None if it is something else."""
    if node.op not in ("MUL", "ADD", "SUB") or len(node.inputs) != 2:
        return None
    left, right = graph.operands(node)
    constant, data = (left, right) if left.is_constant else (right, left)
    if not constant.is_constant or data.is_constant or constant.dtype is not DType.FLOAT32 or not data.shape:
        return None
    channels = data.shape[-1]
    per_channel = constant.size == channels and constant.shape[-1:] == (channels,)
    if graph.results(node)[0].shape != data.shape or not (per_channel or constant.size == 1):
        return None
    values = np.broadcast_to(constant.data.reshape(-1).astype(np.float64), (channels,))
    ones, zeros = np.ones(channels), np.zeros(channels)
    if node.op == "MUL":
        return Channelwise(node, data.name, values, zeros)
    if node.op == "ADD":
        return Channelwise(node, data.name, ones, values)
    # a constant may stand on either side of a difference
    return Channelwise(node, data.name, -ones if constant is left else ones, values if constant is left else -values)


def is_foldable(graph: Graph, node: Node) -> bool:
    """Whether the node is a float layer with constant weights (and bias)."""
    if node.op not in WEIGHTED:
        return False
    return all(t is None or (t.is_constant and t.dtype is DType.FLOAT32) for t in graph.operands(node)[1:])


def scaled_outputs(graph: Graph, layer: Node, factor: np.ndarray) -> np.ndarray:
    """A layer's weights, float64, with those of each output channel times its factor. factor: (channels,)."""
    weights = graph.tensors[layer.inputs[1]]
    spread = [1] * len(weights.shape)
    spread[WEIGHTED[layer.op]] = -1
    return weights.data * factor.reshape(spread)


def by_input(graph: Graph, layer: Node, values: np.ndarray) -> np.ndarray:
    """Values of the input's channels, (channels,), in a shape that broadcasts against the layer's weights.

    The input's last axis may hold several pixels in a row, as a dense layer's does behind a flattened image.
    """
    weights, x = graph.tensors[layer.inputs[1]], graph.tensors[layer.inputs[0]]
    depth = weights.shape[1] if layer.op == "FULLY_CONNECTED" else x.shape[-1]
    values = np.tile(values, depth // values.size)
    if layer.op == "DEPTHWISE_CONV_2D":
        return np.repeat(values, weights.shape[3] // depth)
    if layer.op == "CONV_2D":
        # each group of filters reads its own slice of the channels
        groups = depth // weights.shape[3]
        rows = np.repeat(values.reshape(groups, -1), weights.shape[0] // groups, axis=0)
        return rows[:, np.newaxis, np.newaxis, :]
    return values


def bias_of(graph: Graph, node: Node, channels: int) -> np.ndarray:
    """float64 (channels,), zeros where the layer has no bias."""
    bias: Tensor | None = graph.operands(node)[2] if len(node.inputs) > 2 else None
    return np.zeros(channels) if bias is None else bias.data.astype(np.float64)
