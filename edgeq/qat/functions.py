"""What operators compute, in Keras operations with gradients; the batch stands where the graph has its leading 1."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from keras import ops

from edgeq.ir import Graph, Node

#: (graph, node, operands) → the result.
Function = Callable[[Graph, Node, list[Any]], Any]
FUNCTIONS: dict[str, Function] = {}
#: Operators that average the integers as they are: ties go away from their 0, whatever it stands for.
RAW_TIES = {"AVERAGE_POOL_2D"}


def function(*names: str) -> Callable[[Function], Function]:
    """Decorator: what the operators of these names compute."""

    def add(compute: Function) -> Function:
        FUNCTIONS.update(dict.fromkeys(names, compute))
        return compute

    return add


def _clamped(node: Node, y: Any) -> Any:
    low, high = node.attrs.activation.bounds
    return ops.clip(y, low, high) if (low, high) != (-float("inf"), float("inf")) else y


@function("CONV_2D")
def _conv_2d(graph: Graph, node: Node, operands: list[Any]) -> Any:
    x, w, *bias = operands
    a = node.attrs
    y = ops.conv(x, ops.transpose(w, (1, 2, 3, 0)), a.stride, a.padding.value, dilation_rate=a.dilation)
    return _clamped(node, y + bias[0] if bias else y)


@function("DEPTHWISE_CONV_2D")
def _depthwise(graph: Graph, node: Node, operands: list[Any]) -> Any:
    x, w, *bias = operands
    a = node.attrs
    _, height, width, channels = w.shape
    kernel = ops.reshape(w, (height, width, channels // a.depth_multiplier, a.depth_multiplier))
    y = ops.depthwise_conv(x, kernel, a.stride, a.padding.value, dilation_rate=a.dilation)
    return _clamped(node, y + bias[0] if bias else y)


@function("FULLY_CONNECTED")
def _dense(graph: Graph, node: Node, operands: list[Any]) -> Any:
    x, w, *bias = operands
    if not node.attrs.keep_num_dims:
        x = ops.reshape(x, (-1, w.shape[1]))
    y = ops.matmul(x, ops.transpose(w))
    return _clamped(node, y + bias[0] if bias else y)


@function("ADD")
def _add(graph: Graph, node: Node, operands: list[Any]) -> Any:
    return _clamped(node, operands[0] + operands[1])


@function("SUB")
def _sub(graph: Graph, node: Node, operands: list[Any]) -> Any:
    return _clamped(node, operands[0] - operands[1])


@function("MUL")
def _mul(graph: Graph, node: Node, operands: list[Any]) -> Any:
    return _clamped(node, operands[0] * operands[1])


@function("MAXIMUM")
def _maximum(graph: Graph, node: Node, operands: list[Any]) -> Any:
    return ops.maximum(*operands)


@function("MINIMUM")
def _minimum(graph: Graph, node: Node, operands: list[Any]) -> Any:
    return ops.minimum(*operands)


@function("RESHAPE")
def _reshape(graph: Graph, node: Node, operands: list[Any]) -> Any:
    return ops.reshape(operands[0], (-1, *graph.results(node)[0].shape[1:]))


@function("CONCATENATION")
def _concatenation(graph: Graph, node: Node, operands: list[Any]) -> Any:
    return _clamped(node, ops.concatenate(operands, axis=node.attrs.axis))


@function("PAD")
def _pad(graph: Graph, node: Node, operands: list[Any]) -> Any:
    return ops.pad(operands[0], [tuple(map(int, row)) for row in graph.operands(node)[1].data])


@function("MEAN")
def _mean(graph: Graph, node: Node, operands: list[Any]) -> Any:
    axes = tuple(int(axis) for axis in graph.operands(node)[1].data.reshape(-1))
    return ops.mean(operands[0], axis=axes, keepdims=node.attrs.keep_dims)


@function("MAX_POOL_2D")
def _max_pool(graph: Graph, node: Node, operands: list[Any]) -> Any:
    a = node.attrs
    return _clamped(node, ops.max_pool(operands[0], a.filter, a.stride, a.padding.value))


@function("AVERAGE_POOL_2D")
def _average_pool(graph: Graph, node: Node, operands: list[Any]) -> Any:
    a = node.attrs
    return _clamped(node, ops.average_pool(operands[0], a.filter, a.stride, a.padding.value))


@function("SOFTMAX")
def _softmax(graph: Graph, node: Node, operands: list[Any]) -> Any:
    return ops.softmax(operands[0] * node.attrs.beta)


@function("LEAKY_RELU")
def _leaky_relu(graph: Graph, node: Node, operands: list[Any]) -> Any:
    return ops.leaky_relu(operands[0], node.attrs.alpha)


def _elementwise(compute: Callable[[Any], Any]) -> Function:
    return lambda graph, node, operands: compute(operands[0])


for _name, _compute in {
    "QUANTIZE": lambda x: x,
    "RELU": ops.relu,
    "RELU6": ops.relu6,
    "LOGISTIC": ops.sigmoid,
    "TANH": ops.tanh,
    "HARD_SWISH": ops.hard_swish,
    "ELU": ops.elu,
    "ABS": ops.abs,
}.items():
    function(_name)(_elementwise(_compute))
