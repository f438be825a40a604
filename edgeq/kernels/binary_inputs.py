"""Layers of two-valued inputs and weights, by counting bits that differ: on any core."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from edgeq.ir import DType, frozen_array
from edgeq.kernels import register
from edgeq.kernels.base import Kernel
from edgeq.kernels.packing import either_channels_of, general_quant, int8_words, packed_bits, wrap_int32
from edgeq.kernels.walking import forwards_distance
from edgeq.ops.binary_conv_2d import BinaryConv2DParams
from edgeq.ops.binary_fully_connected import BinaryFullyConnectedParams
from edgeq.program import Overlap
from edgeq.target import Cpu


class _Binary(Kernel):
    """`packed` holds one record per channel: its weights as bits, eight channels of a tap to a byte, in whole words;
    its bias, which contains the number of its products and its input's offset times its weights; its requantization.
    `by_table`, one number: 1 where that is of `packing.either_channels_of`, and the bias doubled; else it is
    multiplier, 0, shift.
    """

    weight_types = (DType.BINARY.value,)

    def extras(self, p: Any, cpu: Cpu) -> Mapping[str, np.ndarray]:
        rows = _as_filters(p)
        channels = len(rows)
        found = either_channels_of(p, p.weights, p.bias, 1 + p.input_offset)
        quant = general_quant(p, channels) if found is None else found[0].quant
        sums = rows.reshape(channels, -1).sum(axis=1, dtype=np.int64)
        bias = p.bias.astype(np.int64) + rows[0].size + p.input_offset * sums
        bias = bias if found is None else 2 * bias
        packed = np.concatenate([_bit_words(rows), bias[:, np.newaxis], quant], axis=1)
        return {
            "packed": frozen_array(wrap_int32(packed)),
            "by_table": frozen_array(np.array([found is not None], np.int8)),
        }


@register
class BinaryConvolveS8(_Binary):
    name = "edgeq_binary_convolve_s8"
    ops = ("BINARY_CONV_2D",)
    template = "binary_conv_2d.c.j2"

    def scratch_bytes(self, p: BinaryConv2DParams, cpu: Cpu) -> int:
        """Three windows in whole words, and an image, of bits."""
        _, height, width, in_c = p.input_shape
        return _scratch_bytes(height * width, p.kernel[0] * p.kernel[1], in_c)

    def overlap(self, p: BinaryConv2DParams, cpu: Cpu) -> Overlap:
        """An image is bits before its first result is written."""
        if p.input_shape[0] == 1:
            return Overlap(in_place=True, forwards=0)
        return Overlap(forwards=forwards_distance(p.input_shape, p.output_shape, p.kernel, p.stride, p.dilation, p.pad))


@register
class BinaryFullyConnectedS8(_Binary):
    """As a convolution of single pixels."""

    name = "edgeq_binary_fully_connected_s8"
    ops = ("BINARY_FULLY_CONNECTED",)
    template = "binary_fully_connected.c.j2"

    def scratch_bytes(self, p: BinaryFullyConnectedParams, cpu: Cpu) -> int:
        return _scratch_bytes(1, 1, p.depth)

    def overlap(self, p: BinaryFullyConnectedParams, cpu: Cpu) -> Overlap:
        return Overlap(in_place=True, forwards=0) if p.batches == 1 else Overlap()


def _as_filters(p: Any) -> np.ndarray:
    """The weights as (channels, taps, inputs)."""
    return p.weights.reshape(p.weights.shape[0], -1, p.weights.shape[-1])


def _bit_words(rows: np.ndarray) -> np.ndarray:
    """int32 (channels, words) of filters (channels, taps, inputs): a tap's bits in whole bytes, all in whole words."""
    channels, taps, inputs = rows.shape
    padded = np.zeros((channels, taps, -(-inputs // 8) * 8), bool)
    padded[..., :inputs] = rows > 0
    data = packed_bits(padded).reshape(channels, -1)
    return int8_words(np.pad(data, ((0, 0), (0, -data.shape[1] % 4))))


def _scratch_bytes(pixels: int, taps: int, inputs: int) -> int:
    pixel = -(-inputs // 8)
    return 3 * (-(-taps * pixel // 4) * 4) + pixels * pixel
