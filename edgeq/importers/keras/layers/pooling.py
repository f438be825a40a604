"""Pooling over windows and over whole images."""

from __future__ import annotations

from typing import Any

import numpy as np

from edgeq.errors import ModelError
from edgeq.importers.keras.layers.shaping import as_image, as_sequence, reshape_to
from edgeq.importers.keras.rules import Config, Layer, channels_last, integers, rule
from edgeq.ops.spatial import Padding


def _check(config: Config) -> str:
    if config.get("padding", "valid") not in ("same", "valid"):
        return f"padding {config.get('padding')!r}"
    return channels_last(config)


def _attrs(config: Config, rank: int) -> dict[str, Any]:
    size = integers(config, "pool_size", rank)
    # strides default to the window
    strides = integers(config, "strides", rank) if config.get("strides") is not None else size
    lead = (1,) * (2 - rank)
    padding = Padding(config.get("padding", "valid"))
    return {"filter": (*lead, *size), "stride": (*lead, *strides), "padding": padding}


def _pool_1d(layer: Layer, x: str, op: str) -> str:
    image = as_image(layer, x)
    return as_sequence(layer, layer.emit(op, (image,), "image", **_attrs(layer.config, 1)))


@rule("MaxPooling2D", "MaxPool2D", check=_check)
def max_pooling_2d(layer: Layer, x: str) -> str:
    return layer.emit("MAX_POOL_2D", (x,), **_attrs(layer.config, 2))


@rule("AveragePooling2D", "AvgPool2D", check=_check)
def average_pooling_2d(layer: Layer, x: str) -> str:
    return layer.emit("AVERAGE_POOL_2D", (x,), **_attrs(layer.config, 2))


@rule("MaxPooling1D", "MaxPool1D", check=_check)
def max_pooling_1d(layer: Layer, x: str) -> str:
    return _pool_1d(layer, x, "MAX_POOL_2D")


@rule("AveragePooling1D", "AvgPool1D", check=_check)
def average_pooling_1d(layer: Layer, x: str) -> str:
    return _pool_1d(layer, x, "AVERAGE_POOL_2D")


def _mean(layer: Layer, x: str, axes: tuple[int, ...], keep_dims: bool) -> str:
    return layer.emit("MEAN", (x, layer.constant("axes", np.int32(axes))), keep_dims=keep_dims)


@rule("GlobalAveragePooling2D", "GlobalAvgPool2D", check=channels_last)
def global_average_pooling_2d(layer: Layer, x: str) -> str:
    return _mean(layer, x, (1, 2), layer.config.get("keepdims") is True)


@rule("GlobalAveragePooling1D", "GlobalAvgPool1D", check=channels_last)
def global_average_pooling_1d(layer: Layer, x: str) -> str:
    return _mean(layer, x, (1,), layer.config.get("keepdims") is True)


@rule("GlobalMaxPooling2D", "GlobalMaxPool2D", check=channels_last)
def global_max_pooling_2d(layer: Layer, x: str) -> str:
    shape = layer.shape(x)
    if len(shape) != 4:
        raise ModelError(f"needs an image, has shape {list(shape)}", where=layer.name)
    whole = {"filter": shape[1:3], "stride": shape[1:3]}
    if layer.config.get("keepdims") is True:
        return layer.emit("MAX_POOL_2D", (x,), **whole)
    return reshape_to(layer, layer.emit("MAX_POOL_2D", (x,), "image", **whole), (1, shape[3]))


@rule("GlobalMaxPooling1D", "GlobalMaxPool1D", check=channels_last)
def global_max_pooling_1d(layer: Layer, x: str) -> str:
    image = as_image(layer, x)
    size = layer.shape(image)[1:3]
    pooled = layer.emit("MAX_POOL_2D", (image,), "image", filter=size, stride=size)
    channels = layer.shape(x)[2]
    return reshape_to(layer, pooled, (1, 1, channels) if layer.config.get("keepdims") is True else (1, channels))


def _axes(layer: Layer, x: str) -> np.ndarray:
    """The reduced axes of a `keras.ops` function, ascending; the batch axis is none of them."""
    axis, rank = layer.config.get("axis"), len(layer.shape(x))
    axes = axis if isinstance(axis, (list, tuple)) else (axis,)
    if not axes or not all(type(a) is int and -rank <= a < rank and a % rank != 0 for a in axes):
        raise ModelError(f"reduced over axis {axis!r}; the batch axis must stay", where=layer.name)
    return np.int32(sorted({a % rank for a in axes}))


def _reduce(layer: Layer, x: str, op: str) -> str:
    axes = layer.constant("axes", _axes(layer, x))
    return layer.emit(op, (x, axes), keep_dims=layer.config.get("keepdims") is True)


@rule("ops.Mean")
def ops_mean(layer: Layer, x: str) -> str:
    return _reduce(layer, x, "MEAN")


@rule("ops.Sum")
def ops_sum(layer: Layer, x: str) -> str:
    return _reduce(layer, x, "SUM")


@rule("ops.Prod")
def ops_prod(layer: Layer, x: str) -> str:
    return _reduce(layer, x, "REDUCE_PROD")


@rule("ops.Max")
def ops_max(layer: Layer, x: str) -> str:
    return _reduce(layer, x, "REDUCE_MAX")


@rule("ops.Min")
def ops_min(layer: Layer, x: str) -> str:
    return _reduce(layer, x, "REDUCE_MIN")
