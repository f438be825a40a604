"""Layers and `keras.ops` nodes that combine tensors."""

from __future__ import annotations

import numpy as np

from edgeq.errors import ModelError
from edgeq.importers.keras.rules import Layer, rule


def _chain(layer: Layer, op: str, inputs: tuple[str, ...]) -> str:
    """op over all inputs from left to right."""
    if len(inputs) < 2:
        raise ModelError("two tensors or more are needed", where=layer.name)
    total = inputs[0]
    for index, other in enumerate(inputs[1:-1]):
        total = layer.emit(op, (total, other), f"part{index}")
    return layer.emit(op, (total, inputs[-1]))


@rule("Add", "ops.Add")
def add(layer: Layer, *inputs: str) -> str:
    return _chain(layer, "ADD", inputs)


@rule("Multiply", "ops.Multiply")
def multiply(layer: Layer, *inputs: str) -> str:
    return _chain(layer, "MUL", inputs)


@rule("Maximum", "ops.Maximum")
def maximum(layer: Layer, *inputs: str) -> str:
    return _chain(layer, "MAXIMUM", inputs)


@rule("Minimum", "ops.Minimum")
def minimum(layer: Layer, *inputs: str) -> str:
    return _chain(layer, "MINIMUM", inputs)


@rule("Average")
def average(layer: Layer, *inputs: str) -> str:
    total = _chain(layer.inner("sum"), "ADD", inputs)
    return layer.emit("MUL", (total, layer.constant("factor", np.float32([1 / len(inputs)]))))


@rule("Subtract", "ops.Subtract")
def subtract(layer: Layer, *inputs: str) -> str:
    if len(inputs) != 2:
        raise ModelError("two tensors are needed", where=layer.name)
    return layer.emit("SUB", inputs)


@rule("Concatenate", "ops.Concatenate")
def concatenate(layer: Layer, *inputs: str) -> str:
    axis, rank = layer.config.get("axis", -1), len(layer.shape(inputs[0]))
    if type(axis) is not int or not -rank <= axis < rank or axis % rank == 0:
        raise ModelError(f"axis {axis!r} of {rank} dimensions", where=layer.name)
    return layer.emit("CONCATENATION", inputs, axis=axis % rank)
