"""Convolutions. One-dimensional ones are computed as images of height 1."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from edgeq.importers.keras.layers.activation import check_activation, with_activation
from edgeq.importers.keras.layers.dense import bias_operand, kernel_and_bias
from edgeq.importers.keras.layers.shaping import as_image, as_sequence, pad
from edgeq.importers.keras.rules import Config, Layer, WeightNames, channels_last, integers, rule
from edgeq.ops.spatial import Padding


def check_window(config: Config) -> str:
    """A `check`: data format, padding and activation of convolutions."""
    if config.get("padding", "valid") not in ("same", "valid", "causal"):
        return f"padding {config.get('padding')!r}"
    return channels_last(config) or check_activation(config)


def _separable_weights(config: Config) -> WeightNames:
    return WeightNames(("depthwise_kernel", "pointwise_kernel") + (("bias",) if config.get("use_bias", True) else ()))


def _rank(config: Config, key: str, rank: int, default: int) -> tuple[int, int]:
    """A pair (height, width); of one-dimensional layers the height is 1."""
    values = integers(config, key, rank, default)
    return (1, values[0]) if rank == 1 else (values[0], values[1])


def _in_images(layer: Layer, x: str, rank: int, emit: Callable[[Layer, str, Padding], str]) -> str:
    """Runs `emit` on an image, and the activation after it; pads causal convolutions on the left."""
    if rank == 2:
        padding = Padding(layer.config.get("padding", "valid"))
        return with_activation(layer, lambda at: emit(at, x, padding))
    kernel, dilation = _rank(layer.config, "kernel_size", 1, 1)[1], _rank(layer.config, "dilation_rate", 1, 1)[1]
    image, padding = as_image(layer, x), layer.config.get("padding", "valid")
    if padding == "causal":
        image, padding = (
            pad(layer.inner("causal"), image, ((0, 0), (0, 0), ((kernel - 1) * dilation, 0), (0, 0))),
            "valid",
        )
    inner = layer.inner("image")
    return as_sequence(layer, with_activation(inner, lambda at: emit(at, image, Padding(padding))))


def _convolution(layer: Layer, x: str, rank: int) -> str:
    """Keras' kernel is (height, width, in_c / groups, out_c), CONV_2D's (out_c, height, width, in_c / groups)."""
    channels = layer.shape(x)[-1]
    (filters,) = integers(layer.config, "filters", 1)
    (groups,) = integers(layer.config, "groups", 1, 1)
    size = _rank(layer.config, "kernel_size", rank, 1)
    saved = layer.weight("kernel", (*size[-rank:], channels // groups, filters))
    kernel = layer.constant("kernel", np.transpose(saved.reshape(*size, channels // groups, filters), (3, 0, 1, 2)))
    bias = bias_operand(layer, filters)
    stride, dilation = _rank(layer.config, "strides", rank, 1), _rank(layer.config, "dilation_rate", rank, 1)
    return _in_images(
        layer,
        x,
        rank,
        lambda at, image, padding: at.emit(
            "CONV_2D", (image, kernel, *bias), stride=stride, dilation=dilation, padding=padding
        ),
    )


@rule("Conv2D", "Convolution2D", weights=kernel_and_bias, check=check_window)
def conv_2d(layer: Layer, x: str) -> str:
    return _convolution(layer, x, 2)


@rule("Conv1D", "Convolution1D", weights=kernel_and_bias, check=check_window)
def conv_1d(layer: Layer, x: str) -> str:
    return _convolution(layer, x, 1)


def _depthwise_kernel(layer: Layer, name: str, channels: int, rank: int) -> tuple[str, int]:
    """(constant of shape (1, height, width, channels · multiplier), multiplier).

    In Keras' (height, width, channels, multiplier) the multiplier varies fastest, as in TFLite's filters.
    """
    (multiplier,) = integers(layer.config, "depth_multiplier", 1, 1)
    size = _rank(layer.config, "kernel_size", rank, 1)
    saved = layer.weight(name, (*size[-rank:], channels, multiplier))
    return layer.constant(name, saved.reshape(1, *size, channels * multiplier)), multiplier


def _depthwise_attrs(layer: Layer, rank: int, multiplier: int, padding: Padding) -> dict[str, Any]:
    stride, dilation = _rank(layer.config, "strides", rank, 1), _rank(layer.config, "dilation_rate", rank, 1)
    return {"stride": stride, "dilation": dilation, "padding": padding, "depth_multiplier": multiplier}


def _depthwise(layer: Layer, x: str, rank: int) -> str:
    channels = layer.shape(x)[-1]
    # Keras 3 saves it as "kernel", Keras 2 as "depthwise_kernel": the rule's name for it is the one below
    kernel, multiplier = _depthwise_kernel(layer, "kernel", channels, rank)
    bias = bias_operand(layer, channels * multiplier)
    return _in_images(
        layer,
        x,
        rank,
        lambda at, image, padding: at.emit(
            "DEPTHWISE_CONV_2D", (image, kernel, *bias), **_depthwise_attrs(layer, rank, multiplier, padding)
        ),
    )


@rule("DepthwiseConv2D", weights=kernel_and_bias, check=check_window)
def depthwise_conv_2d(layer: Layer, x: str) -> str:
    return _depthwise(layer, x, 2)


@rule("DepthwiseConv1D", weights=kernel_and_bias, check=check_window)
def depthwise_conv_1d(layer: Layer, x: str) -> str:
    return _depthwise(layer, x, 1)


def _separable(layer: Layer, x: str, rank: int) -> str:
    channels = layer.shape(x)[-1]
    (filters,) = integers(layer.config, "filters", 1)
    depthwise, multiplier = _depthwise_kernel(layer, "depthwise_kernel", channels, rank)
    width = channels * multiplier
    pointwise = layer.weight("pointwise_kernel", (*(1,) * rank, width, filters))
    kernel = layer.constant("pointwise_kernel", np.transpose(pointwise.reshape(1, 1, width, filters), (3, 0, 1, 2)))
    bias = bias_operand(layer, filters)

    def emit(at: Layer, image: str, padding: Padding) -> str:
        attrs = _depthwise_attrs(layer, rank, multiplier, padding)
        between = layer.inner("depthwise").emit("DEPTHWISE_CONV_2D", (image, depthwise), **attrs)
        return at.emit("CONV_2D", (between, kernel, *bias))

    return _in_images(layer, x, rank, emit)


@rule("SeparableConv2D", "SeparableConvolution2D", weights=_separable_weights, check=check_window)
def separable_conv_2d(layer: Layer, x: str) -> str:
    return _separable(layer, x, 2)


@rule("SeparableConv1D", "SeparableConvolution1D", weights=_separable_weights, check=check_window)
def separable_conv_1d(layer: Layer, x: str) -> str:
    return _separable(layer, x, 1)
