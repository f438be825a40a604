"""Transposed convolutions, and products of tensors."""

from __future__ import annotations

import numpy as np

from edgeq.errors import ModelError
from edgeq.importers.keras.layers.activation import check_activation, with_activation
from edgeq.importers.keras.layers.dense import bias_operand, kernel_and_bias
from edgeq.importers.keras.layers.shaping import as_image, as_sequence
from edgeq.importers.keras.rules import Config, Layer, channels_last, integers, rule
from edgeq.ops.spatial import Padding


def _check(config: Config) -> str:
    if config.get("padding", "valid") not in ("same", "valid"):
        return f"padding {config.get('padding')!r}"
    if config.get("groups", 1) != 1:
        return f"{config['groups']} groups"
    rate = config.get("dilation_rate", 1)
    if any(d != 1 for d in (rate if isinstance(rate, (list, tuple)) else [rate])):
        return f"dilation {rate!r}"
    return channels_last(config) or check_activation(config)


def _lengths(layer: Layer, sizes: tuple[int, ...], kernel: tuple[int, ...], strides: tuple[int, ...]) -> list[int]:
    """The result's height and width, as Keras' compute_conv_transpose_output_length."""
    same = layer.config.get("padding", "valid") == "same"
    added = layer.config.get("output_padding")
    if added is None:
        return [n * s + (0 if same else max(k - s, 0)) for n, k, s in zip(sizes, kernel, strides, strict=True)]
    given = list(added) if isinstance(added, (list, tuple)) else [added] * len(sizes)
    if len(given) != len(sizes) or not all(type(v) is int and 0 <= v < 1 << 16 for v in given):
        raise ModelError(f"output_padding is {added!r}, expected {len(sizes)} integers", where=layer.name)
    return [
        (n - 1) * s + k - 2 * (k // 2 if same else 0) + a
        for n, k, s, a in zip(sizes, kernel, strides, given, strict=True)
    ]


def _transposed(layer: Layer, x: str, rank: int) -> str:
    """Keras' kernel is (height, width, out_c, in_c), TRANSPOSE_CONV's (out_c, height, width, in_c)."""
    image = x if rank == 2 else as_image(layer, x)
    shape = layer.shape(image)
    if len(shape) != 4:
        raise ModelError(f"needs images, has shape {list(shape)}", where=layer.name)
    (filters,) = integers(layer.config, "filters", 1)
    kernel, strides = integers(layer.config, "kernel_size", rank), integers(layer.config, "strides", rank, 1)
    saved = layer.weight("kernel", (*kernel, filters, shape[3]))
    out = [1] * (2 - rank) + _lengths(layer, shape[3 - rank : 3], kernel, strides)
    lead = (1,) * (2 - rank)
    operands = (
        layer.constant("output_shape", np.int32([1, *out, filters])),
        layer.constant("kernel", np.transpose(saved.reshape(*lead, *kernel, filters, shape[3]), (2, 0, 1, 3))),
        image,
        *bias_operand(layer, filters),
    )
    padding = Padding(layer.config.get("padding", "valid"))

    def emit(at: Layer) -> str:
        return at.emit("TRANSPOSE_CONV", operands, stride=(*lead, *strides), padding=padding)

    if rank == 2:
        return with_activation(layer, emit)
    return as_sequence(layer, with_activation(layer.inner("image"), emit))


@rule("Conv2DTranspose", "Convolution2DTranspose", weights=kernel_and_bias, check=_check)
def conv_2d_transpose(layer: Layer, x: str) -> str:
    return _transposed(layer, x, 2)


@rule("Conv1DTranspose", "Convolution1DTranspose", weights=kernel_and_bias, check=_check)
def conv_1d_transpose(layer: Layer, x: str) -> str:
    return _transposed(layer, x, 1)


@rule("ops.Matmul")
def ops_matmul(layer: Layer, x: str, y: str) -> str:
    return layer.emit("BATCH_MATMUL", (x, y))
