"""The float network that every scheme is tried on: convolution, depthwise convolution, dense layers, softmax."""

from __future__ import annotations

import numpy as np

from edgeq.ir import Graph
from edgeq.ops.base import Activation
from edgeq.ops.spatial import Padding
from edgeq.passes import prepare_float
from tests.passes.net import Net


def mixed_net(seed: int = 0) -> Graph:
    """(1, 6, 6, 3) → 4 probabilities; channels of very different size, as real networks have them."""
    net = Net(seed)

    def weights(axis: int, *shape: int) -> str:
        values = net.rng.normal(size=shape)
        spread = np.exp2(net.rng.uniform(-2, 2, shape[axis]))
        fan_in = np.prod(shape) / shape[axis]
        return net.constant(values * spread.reshape([-1 if a == axis else 1 for a in range(len(shape))]) / fan_in**0.5)

    x = net.node("CONV_2D", net.input(6, 6, 3), weights(0, 8, 3, 3, 3), net.random(8), name="conv",
                 padding=Padding.SAME, activation=Activation.RELU)  # fmt: skip
    x = net.node("DEPTHWISE_CONV_2D", x, weights(3, 1, 3, 3, 8), net.random(8), name="depthwise",
                 activation=Activation.RELU)  # fmt: skip
    x = net.node("CONV_2D", x, weights(0, 6, 1, 1, 8), net.random(6), name="pointwise", activation=Activation.RELU)
    x = net.node("RESHAPE", x, net.constant([1, 96], np.int32), name="flat")
    x = net.node("FULLY_CONNECTED", x, weights(0, 12, 96), net.random(12), name="dense", activation=Activation.RELU)
    x = net.node("FULLY_CONNECTED", x, weights(0, 4, 12), net.random(4), name="logits")
    return prepare_float(net.graph(net.node("SOFTMAX", x, name="probabilities")))


def data_for(graph: Graph, vectors: int = 48, seed: int = 3) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    return {name: rng.normal(size=(vectors,) + graph.tensors[name].shape).astype(np.float32) for name in graph.inputs}
