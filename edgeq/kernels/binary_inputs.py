"""Layers of two-valued inputs and weights, by counting bits that differ: on any core."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from edgeq.ir import DType, frozen_array
from edgeq.kernels import register
from edgeq.kernels.base import Kernel
from edgeq.kernels.packing import general_quant, int8_words, packed_bits, wrap_int32
from edgeq.kernels.two_words import two_words
from edgeq.kernels.walking import forwards_distance
from edgeq.ops.binary_conv_2d import BinaryConv2DParams
from edgeq.ops.binary_fully_connected import BinaryFullyConnectedParams
from edgeq.program import Overlap
from edgeq.target import Cpu


class _Binary(Kernel):
    """`packed` holds one record per channel: its weights as bits, eight channels of a tap to a byte, in whole words;
    then what makes a result of the number d of unlike signs. `by_two_words`, one number: 1 where that are the two words
    of `two_words`, the first for 2 d; else there are three, the sum of no unlike signs, multiplier and shift.
    """

    weight_types = (DType.BINARY.value,)

    def pixels(self, p: Any) -> int:
        """How many windows there are."""
        raise NotImplementedError

    def cost(self, p: Any, cpu: Cpu) -> int:
        filters = as_filters(p)
        words = _bit_words(filters[:1]).size
        return 200 + self.pixels(p) * (100 + 2 * filters[0].size + len(filters) * (20 + 14 * words))

    def extras(self, p: Any, cpu: Cpu) -> Mapping[str, np.ndarray]:
        filters = as_filters(p)
        most = most_alike(p)
        # every unlike sign takes off two, every product that a mask leaves out one
        products = np.full(len(filters), filters[0].size)
        found = two_words(p, most, -2 * products, 0 * products, None)
        if found is None:
            quant = np.concatenate([most[:, np.newaxis], general_quant(p, len(filters))[:, [0, 2]]], axis=1)
        else:
            quant = found * [2, 1]
        return {
            "packed": frozen_array(wrap_int32(np.concatenate([_bit_words(filters), quant], axis=1))),
            "by_two_words": frozen_array(np.array([found is not None], np.int8)),
        }


@register
class BinaryConvolveS8(_Binary):
    name = "edgeq_binary_convolve_s8"
    ops = ("BINARY_CONV_2D",)
    template = "binary_conv_2d.c.j2"

    def pixels(self, p: BinaryConv2DParams) -> int:
        return int(np.prod(p.output_shape[:3]))

    def scratch_bytes(self, p: BinaryConv2DParams, cpu: Cpu) -> int:
        """Three windows in whole words, and an image, of bits."""
        _, height, width, in_c = p.input_shape
        pixel = -(-in_c // 8)
        return 3 * (-(-p.kernel[0] * p.kernel[1] * pixel // 4) * 4) + height * width * pixel

    def overlap(self, p: BinaryConv2DParams, cpu: Cpu) -> Overlap:
        """An image is bits before its first result is written."""
        if p.input_shape[0] == 1:
            return Overlap(in_place=True, forwards=0)
        return Overlap(forwards=forwards_distance(p.input_shape, p.output_shape, p.kernel, p.stride, p.dilation, p.pad))


@register
class BinaryFullyConnectedS8(_Binary):
    name = "edgeq_binary_fully_connected_s8"
    ops = ("BINARY_FULLY_CONNECTED",)
    template = "binary_fully_connected.c.j2"

    def pixels(self, p: BinaryFullyConnectedParams) -> int:
        return p.batches

    def scratch_bytes(self, p: BinaryFullyConnectedParams, cpu: Cpu) -> int:
        """A row of inputs as bits, in whole words."""
        return -(-p.depth // 32) * 4

    def overlap(self, p: BinaryFullyConnectedParams, cpu: Cpu) -> Overlap:
        return Overlap(in_place=True, forwards=0) if p.batches == 1 else Overlap()


def as_filters(p: Any) -> np.ndarray:
    """The weights as (channels, taps, inputs)."""
    return p.weights.reshape(p.weights.shape[0], -1, p.weights.shape[-1])


def most_alike(p: Any) -> np.ndarray:
    """The sum of each channel whose signs all agree with the weights, with its bias: int64 (channels,)."""
    filters = as_filters(p)
    sums = filters.reshape(len(filters), -1).sum(axis=1, dtype=np.int64)
    return p.bias.astype(np.int64) + filters[0].size + p.input_offset * sums


def _bit_words(rows: np.ndarray) -> np.ndarray:
    """int32 (channels, words) of filters (channels, taps, inputs): a tap's bits in whole bytes, all in whole words."""
    channels, taps, inputs = rows.shape
    padded = np.zeros((channels, taps, -(-inputs // 8) * 8), bool)
    padded[..., :inputs] = rows > 0
    data = packed_bits(padded).reshape(channels, -1)
    return int8_words(np.pad(data, ((0, 0), (0, -data.shape[1] % 4))))
