"""Layers that move elements: reshaping, padding, and those that do nothing at inference."""

from __future__ import annotations

import numpy as np

from edgeq.errors import ModelError
from edgeq.importers.keras.rules import Config, Layer, channels_last, rule


def reshape_to(layer: Layer, x: str, shape: tuple[int, ...], part: str = "") -> str:
    return layer.emit("RESHAPE", (x,), part, new_shape=tuple(shape))


def as_image(layer: Layer, x: str) -> str:
    """(1, length, channels) → (1, 1, length, channels)."""
    shape = layer.shape(x)
    if len(shape) != 3:
        raise ModelError(f"needs a sequence of vectors, has shape {list(shape)}", where=layer.name)
    return reshape_to(layer, x, (1, 1, *shape[1:]), "as_image")


def as_sequence(layer: Layer, x: str) -> str:
    """(1, 1, length, channels) → (1, length, channels); the result bears the layer's name."""
    shape = layer.shape(x)
    return reshape_to(layer, x, (1, *shape[2:]))


def pad(layer: Layer, x: str, amounts: tuple[tuple[int, int], ...]) -> str:
    """Zeros around a tensor: (before, after) per axis."""
    return layer.emit("PAD", (x, layer.constant("paddings", np.int32(amounts))))


@rule("Flatten", check=channels_last)
def flatten(layer: Layer, x: str) -> str:
    return reshape_to(layer, x, (1, -1))


def _target(layer: Layer, x: str, key: str, batch: bool) -> str:
    shape = layer.config.get(key)
    if not isinstance(shape, (list, tuple)) or not all(type(d) is int and -1 <= d < 1 << 31 for d in shape[batch:]):
        raise ModelError(f"{key} is {shape!r}, expected integers", where=layer.name)
    return reshape_to(layer, x, (1, *shape[batch:]))


@rule("Reshape")
def reshape(layer: Layer, x: str) -> str:
    return _target(layer, x, "target_shape", batch=False)


@rule("ops.Reshape")
def ops_reshape(layer: Layer, x: str) -> str:
    return _target(layer, x, "newshape", batch=True)


@rule(
    "ActivityRegularization",
    "AlphaDropout",
    "Dropout",
    "GaussianDropout",
    "GaussianNoise",
    "Identity",
    "SpatialDropout1D",
    "SpatialDropout2D",
    "ops.Identity",
)
def no_op(layer: Layer, x: str) -> str:
    return x


def amounts(config: Config, rank: int, key: str = "padding") -> tuple[tuple[int, int], ...]:
    """Keras' padding or cropping: n, (n, n) of symmetric amounts, or ((before, after), …)."""
    value = config.get(key, 1)
    sides = [value] * rank if type(value) is int else value
    if rank == 1 and isinstance(sides, (list, tuple)) and len(sides) == 2:
        sides = [sides]
    pairs = []
    for side in sides if isinstance(sides, (list, tuple)) else ():
        pair = (side, side) if type(side) is int else side
        if (
            isinstance(pair, (list, tuple))
            and len(pair) == 2
            and all(type(v) is int and 0 <= v < 1 << 16 for v in pair)
        ):
            pairs.append((pair[0], pair[1]))
    if len(pairs) != rank:
        raise ModelError(f"{key} is {value!r}, expected amounts for {rank} axes", where=str(config.get("name", "")))
    return tuple(pairs)


@rule("ZeroPadding2D", check=channels_last)
def zero_padding_2d(layer: Layer, x: str) -> str:
    return pad(layer, x, ((0, 0), *amounts(layer.config, 2), (0, 0)))


@rule("ZeroPadding1D", check=channels_last)
def zero_padding_1d(layer: Layer, x: str) -> str:
    return pad(layer, x, ((0, 0), *amounts(layer.config, 1), (0, 0)))
