"""Layers that cut, reorder and repeat."""

from __future__ import annotations

import numpy as np

from edgeq.errors import ModelError
from edgeq.importers.keras.layers.shaping import amounts, as_image, as_sequence, reshape_to
from edgeq.importers.keras.rules import Config, Layer, channels_last, integers, rule


def _crop(layer: Layer, x: str, rank: int) -> str:
    shape = layer.shape(x)
    if len(shape) != rank + 2:
        raise ModelError(f"needs a tensor of {rank + 2} dimensions, has shape {list(shape)}", where=layer.name)
    cuts = ((0, 0), *amounts(layer.config, rank, "cropping"), (0, 0))
    begin = np.int32([before for before, _ in cuts])
    size = np.int32([d - before - after for d, (before, after) in zip(shape, cuts, strict=True)])
    if size.min() < 1:
        raise ModelError(f"nothing is left of shape {list(shape)}", where=layer.name)
    return layer.emit("SLICE", (x, layer.constant("begin", begin), layer.constant("size", size)))


@rule("Cropping1D")
def cropping_1d(layer: Layer, x: str) -> str:
    return _crop(layer, x, 1)


@rule("Cropping2D", check=channels_last)
def cropping_2d(layer: Layer, x: str) -> str:
    return _crop(layer, x, 2)


def _transpose(layer: Layer, x: str, order: tuple[int, ...]) -> str:
    if sorted(order) != list(range(len(layer.shape(x)))) or order[0] != 0:
        raise ModelError(f"axes {list(order)}: each but the first needs to be there once", where=layer.name)
    return layer.emit("TRANSPOSE", (x, layer.constant("order", np.int32(order))))


@rule("Permute")
def permute(layer: Layer, x: str) -> str:
    return _transpose(layer, x, (0, *integers(layer.config, "dims", len(layer.shape(x)) - 1)))


@rule("ops.Transpose")
def ops_transpose(layer: Layer, x: str) -> str:
    axes = layer.config.get("axes")
    rank = len(layer.shape(x))
    if not isinstance(axes, (list, tuple)) or not all(type(a) is int and -rank <= a < rank for a in axes):
        raise ModelError(f"axes {axes!r}; the batch axis must stay the first", where=layer.name)
    return _transpose(layer, x, tuple(a % rank for a in axes))


@rule("RepeatVector")
def repeat_vector(layer: Layer, x: str) -> str:
    shape = layer.shape(x)
    if len(shape) != 2:
        raise ModelError(f"needs vectors, has shape {list(shape)}", where=layer.name)
    (times,) = integers(layer.config, "n", 1)
    row = reshape_to(layer, x, (1, 1, shape[1]), "row")
    return layer.emit("TILE", (row, layer.constant("times", np.int32([1, times, 1]))))


def _axes(layer: Layer, axis: object, rank: int) -> list[int]:
    """Axes but the batch, none twice."""
    axes = list(axis) if isinstance(axis, (list, tuple)) else [axis]
    if not axes or not all(type(a) is int and -rank <= a < rank and a % rank for a in axes):
        raise ModelError(f"axis {axis!r} of {rank} dimensions; the batch axis must stay", where=layer.name)
    return sorted({a % rank for a in axes})


@rule("ops.Squeeze")
def ops_squeeze(layer: Layer, x: str) -> str:
    shape, axis = layer.shape(x), layer.config.get("axis")
    axes = [a for a, d in enumerate(shape) if a and d == 1] if axis is None else _axes(layer, axis, len(shape))
    if any(shape[a] != 1 for a in axes):
        raise ModelError(f"axis {axis!r} of shape {list(shape)} has more than one element", where=layer.name)
    return reshape_to(layer, x, tuple(d for a, d in enumerate(shape) if a not in axes))


@rule("ops.ExpandDims")
def ops_expand_dims(layer: Layer, x: str) -> str:
    shape, axis = layer.shape(x), layer.config.get("axis")
    rank = len(shape) + (len(axis) if isinstance(axis, (list, tuple)) else 1)
    axes, rest = _axes(layer, axis, rank), iter(shape)
    return reshape_to(layer, x, tuple(1 if a in axes else next(rest) for a in range(rank)))


@rule("ops.Flip")
def ops_flip(layer: Layer, x: str) -> str:
    axes = _axes(layer, layer.config.get("axis"), len(layer.shape(x)))
    return layer.emit("REVERSE_V2", (x, layer.constant("axes", np.int32(axes))))


@rule("ops.Tile")
def ops_tile(layer: Layer, x: str) -> str:
    repeats, rank = layer.config.get("repeats"), len(layer.shape(x))
    times = list(repeats) if isinstance(repeats, (list, tuple)) else [repeats]
    if len(times) > rank or not all(type(t) is int and 0 < t < 1 << 20 for t in times):
        raise ModelError(f"repeats {repeats!r} of {rank} dimensions", where=layer.name)
    times = [1] * (rank - len(times)) + times
    if times[0] != 1:
        raise ModelError("the batch axis is repeated", where=layer.name)
    return layer.emit("TILE", (x, layer.constant("times", np.int32(times))))


@rule("ops.Stack")
def ops_stack(layer: Layer, *inputs: str) -> str:
    (axis,) = _axes(layer, layer.config.get("axis", 0), len(layer.shape(inputs[0])) + 1)
    return layer.emit("PACK", inputs, values_count=len(inputs), axis=axis)


@rule("ops.BroadcastTo")
def ops_broadcast_to(layer: Layer, x: str) -> str:
    shape = layer.config.get("shape")
    if not isinstance(shape, (list, tuple)) or not all(type(d) is int and 0 < d < 1 << 31 for d in shape[1:]):
        raise ModelError(f"shape is {shape!r}, expected integers", where=layer.name)
    if not shape or shape[0] not in (1, None):
        raise ModelError(f"the batch axis is broadcast to {shape!r}", where=layer.name)
    return layer.emit("BROADCAST_TO", (x, layer.constant("shape", np.int32([1, *shape[1:]]))))


def _check_up_sampling(config: Config) -> str:
    if config.get("interpolation", "nearest") not in ("nearest", "bilinear"):
        return f"interpolation {config['interpolation']!r}"
    return channels_last(config)


def _resize(layer: Layer, x: str, factors: tuple[int, ...], part: str = "") -> str:
    shape = layer.shape(x)
    if len(shape) != 4:
        raise ModelError(f"needs an image, has shape {list(shape)}", where=layer.name)
    size = np.int64([d * f for d, f in zip(shape[1:3], factors, strict=True)])
    if size.max() >= 1 << 20:
        raise ModelError(f"an image of {size[0]}×{size[1]} is too large", where=layer.name)
    nearest = layer.config.get("interpolation", "nearest") == "nearest"
    op = "RESIZE_NEAREST_NEIGHBOR" if nearest else "RESIZE_BILINEAR"
    # half pixel centres: bilinear as Keras computes it, nearest far from any tie
    return layer.emit(op, (x, layer.constant("size", size.astype(np.int32))), part, half_pixel_centers=True)


@rule("UpSampling2D", check=_check_up_sampling)
def up_sampling_2d(layer: Layer, x: str) -> str:
    return _resize(layer, x, integers(layer.config, "size", 2, 2))


@rule("UpSampling1D")
def up_sampling_1d(layer: Layer, x: str) -> str:
    (times,) = integers(layer.config, "size", 1, 2)
    return as_sequence(layer, _resize(layer, as_image(layer, x), (1, times), "image"))
