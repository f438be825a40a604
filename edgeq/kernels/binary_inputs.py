"""Layers of two-valued inputs and weights, by counting bits that differ: on any core."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from edgeq.ir import DType, frozen_array
from edgeq.kernels import register
from edgeq.kernels.base import Kernel
from edgeq.kernels.bit_rows import are_apart, are_in_place, image_bytes, string_bytes
from edgeq.kernels.packing import general_quant, int8_words, wrap_int32
from edgeq.kernels.two_words import two_words
from edgeq.kernels.walking import WindowByWindow, forwards_distance
from edgeq.ops.binary_conv_2d import BinaryConv2DParams
from edgeq.ops.binary_fully_connected import BinaryFullyConnectedParams
from edgeq.program import Overlap
from edgeq.target import Cpu


class _Binary(Kernel):
    """`packed` holds one record per channel: its weights as bits, in whole words; then what makes a result of the
    number d of unlike signs. `by_two_words`, one number: 1 where that are the two words of `two_words`, the first for
    2 d; else there are three, the sum of no unlike signs, multiplier and shift.
    """

    weight_types = (DType.BINARY.value,)

    def pixels(self, p: Any) -> int:
        """How many windows there are."""
        raise NotImplementedError

    def is_in_place(self, p: Any) -> bool:
        """Whether each window becomes bits by itself."""
        raise NotImplementedError

    def cost(self, p: Any, cpu: Cpu) -> int:
        filters = as_filters(p)
        words = -(-filters[0].size // 32)
        return 200 + self.pixels(p) * (100 + 2 * filters[0].size + len(filters) * (20 + 14 * words))

    def extras(self, p: Any, cpu: Cpu) -> Mapping[str, np.ndarray]:
        words, by_two_words = result_words(p)
        if by_two_words:
            words = words * [2, 1]
        return {
            "packed": frozen_array(np.concatenate([self._bit_words(p), wrap_int32(words)], axis=1)),
            "by_two_words": frozen_array(np.array([by_two_words], np.int8)),
        }

    def _bit_words(self, p: Any) -> np.ndarray:
        """int32 (channels, words): weights as bits from the lowest on; of a window that becomes bits by itself, the
        weight 4 i + j of a word is its bit 8 j + i."""
        filters = as_filters(p).reshape(len(p.weights), -1)
        bits = np.pad(filters > 0, ((0, 0), (0, -filters.shape[1] % 32)))
        if self.is_in_place(p):
            bits = bits.reshape(len(bits), -1, 8, 4).swapaxes(2, 3).reshape(bits.shape)
        return int8_words(np.packbits(bits, axis=1, bitorder="little").view(np.int8))


@register
class BinaryConvolveS8(_Binary):
    name = "edgeq_binary_convolve_s8"
    ops = ("BINARY_CONV_2D",)
    template = "binary_conv_2d.c.j2"

    def pixels(self, p: BinaryConv2DParams) -> int:
        return int(np.prod(p.output_shape[:3]))

    def is_in_place(self, p: BinaryConv2DParams) -> bool:
        rows_fill_words = p.kernel[0] == 1 or p.kernel[1] * p.input_shape[3] % 32 == 0
        return rows_fill_words and are_in_place(p) and are_apart(p)

    def scratch_bytes(self, p: BinaryConv2DParams, cpu: Cpu) -> int:
        """Two windows in whole words; unless each becomes bits by itself, two with masks, an image and one string."""
        words = 4 * -(-as_filters(p)[0].size // 32)
        return 2 * words if self.is_in_place(p) else 6 * words + image_bytes(p) + string_bytes(p)

    def overlap(self, p: BinaryConv2DParams, cpu: Cpu) -> Overlap:
        return WindowByWindow().overlap(p, cpu) if self.is_in_place(p) else image_overlap(p)


@register
class BinaryFullyConnectedS8(_Binary):
    name = "edgeq_binary_fully_connected_s8"
    ops = ("BINARY_FULLY_CONNECTED",)
    template = "binary_fully_connected.c.j2"

    def pixels(self, p: BinaryFullyConnectedParams) -> int:
        return p.batches

    def is_in_place(self, p: BinaryFullyConnectedParams) -> bool:
        return True

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


def result_words(p: Any) -> tuple[np.ndarray, bool]:
    """What makes a result of twice the number of unlike signs and of the number of products that are missing, int64
    (channels, words), and whether that are the two words of `two_words`; else the sum of no unlike signs, multiplier
    and shift."""
    most = most_alike(p)
    products = np.full(len(most), as_filters(p)[0].size)
    found = two_words(p, most, -2 * products, 0 * products, None)
    if found is None:
        return np.concatenate([most[:, np.newaxis], general_quant(p, len(most))[:, [0, 2]]], axis=1), False
    return found, True


def image_overlap(p: BinaryConv2DParams) -> Overlap:
    """An image is bits before its first result is written."""
    if p.input_shape[0] == 1:
        return Overlap(in_place=True, forwards=0)
    return Overlap(forwards=forwards_distance(p.input_shape, p.output_shape, p.kernel, p.stride, p.dilation, p.pad))
