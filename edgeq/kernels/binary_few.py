"""Layers of few two-valued inputs and weights, whose windows are one word of bits: on any core."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from edgeq.fixedpoint import requantize
from edgeq.ir import DType, frozen_array
from edgeq.kernels import register
from edgeq.kernels.base import Kernel
from edgeq.kernels.binary_inputs import as_filters, image_overlap, most_alike, result_words
from edgeq.kernels.bit_rows import are_apart, are_in_place, image_bytes, string_bytes
from edgeq.kernels.packing import blocks, int8_words, wrap_int32
from edgeq.kernels.walking import WindowByWindow
from edgeq.ops.binary_conv_2d import BinaryConv2DParams
from edgeq.ops.binary_fully_connected import BinaryFullyConnectedParams
from edgeq.ops.spatial import hangs_over
from edgeq.program import Overlap
from edgeq.target import Cpu


class _ByTable(Kernel):
    """Windows of up to 32 inputs, none of which a result may leave out.

    `packed` holds a record per four channels where windows have 8 inputs and fewer, per two where they have 16 and
    fewer, if there are so many, else per channel: a word of their weights, each channel's bits in a quarter, a half or
    all of it, from the lowest on; then the results of no unlike signs, one of each channel, those of one unlike sign
    and so on to n, int8, all in whole words. The last record ends with the last channel.
    """

    weight_types = (DType.BINARY.value,)

    def pixels(self, p: Any) -> int:
        """How many windows there are."""
        raise NotImplementedError

    def supports(self, p: Any, cpu: Cpu) -> bool:
        return as_filters(p)[0].size <= 32

    def cost(self, p: Any, cpu: Cpu) -> int:
        inputs = as_filters(p)[0].size
        return 100 + self.pixels(p) * (35 + 2 * inputs + len(p.weights) * _per_result(inputs, 4))

    def extras(self, p: Any, cpu: Cpu) -> Mapping[str, np.ndarray]:
        weights, records = _records(p, 4)
        tables = _tables(p, records, 2 * np.arange(as_filters(p)[0].size + 1))
        return {"packed": frozen_array(np.concatenate([weights, tables], axis=1).ravel())}


@register
class BinaryConvolveTableS8(_ByTable):
    name = "edgeq_binary_convolve_table_s8"
    ops = ("BINARY_CONV_2D",)
    template = "binary_conv_2d_table.c.j2"

    def pixels(self, p: BinaryConv2DParams) -> int:
        return int(np.prod(p.output_shape[:3]))

    def supports(self, p: BinaryConv2DParams, cpu: Cpu) -> bool:
        return super().supports(p, cpu) and not _leaves_out(p)

    def scratch_bytes(self, p: BinaryConv2DParams, cpu: Cpu) -> int:
        return 0 if _by_itself(p) else image_bytes(p)

    def cost(self, p: BinaryConv2DParams, cpu: Cpu) -> int:
        return super().cost(p, cpu) if _by_itself(p) else _cost(p, 4)

    def overlap(self, p: BinaryConv2DParams, cpu: Cpu) -> Overlap:
        return WindowByWindow().overlap(p, cpu) if _by_itself(p) else image_overlap(p)


@register
class BinaryConvolveFewS8(Kernel):
    """Windows of up to 32 inputs that hang over an edge, beyond which nothing counts.

    `packed` holds a record per two channels where windows have 16 inputs and fewer, if there are so many, else per
    channel: a word of their weights as above, then what makes a result of s = 2 d + the number of missing products, d
    signs being unlike. `by_two_words`, one number: 1 where that are each channel's words by `two_words`; else there are
    tables as above, of s from 0 to 2 n.
    """

    name = "edgeq_binary_convolve_few_s8"
    ops = ("BINARY_CONV_2D",)
    template = "binary_conv_2d.c.j2"
    weight_types = (DType.BINARY.value,)

    def supports(self, p: BinaryConv2DParams, cpu: Cpu) -> bool:
        return as_filters(p)[0].size <= 32 and _leaves_out(p)

    def cost(self, p: BinaryConv2DParams, cpu: Cpu) -> int:
        return _cost(p, 2)

    def scratch_bytes(self, p: BinaryConv2DParams, cpu: Cpu) -> int:
        return image_bytes(p) + string_bytes(p)

    def overlap(self, p: BinaryConv2DParams, cpu: Cpu) -> Overlap:
        return image_overlap(p)

    def extras(self, p: BinaryConv2DParams, cpu: Cpu) -> Mapping[str, np.ndarray]:
        weights, records = _records(p, 2)
        words, by_two_words = result_words(p)
        if by_two_words:
            results = wrap_int32(words[records].reshape(len(records), -1))
        else:
            results = _tables(p, records, np.arange(2 * as_filters(p)[0].size + 1))
        packed = np.concatenate([weights, results], axis=1)
        return {
            "packed": frozen_array(packed.ravel()),
            "by_two_words": frozen_array(np.array([by_two_words], np.int8)),
        }


@register
class BinaryFullyConnectedTableS8(_ByTable):
    """As a convolution of single pixels."""

    name = "edgeq_binary_fully_connected_table_s8"
    ops = ("BINARY_FULLY_CONNECTED",)
    template = "binary_fully_connected_table.c.j2"

    def pixels(self, p: BinaryFullyConnectedParams) -> int:
        return p.batches

    def overlap(self, p: BinaryFullyConnectedParams, cpu: Cpu) -> Overlap:
        return Overlap(in_place=True, forwards=0) if p.batches == 1 else Overlap()


def _leaves_out(p: BinaryConv2DParams) -> bool:
    """Whether what lies beyond an edge is neither of two values. Where -1 stands for 0 it is one of them."""
    return p.input_offset == 0 and hangs_over(p)


def _per_result(inputs: int, most: int) -> int:
    """Instructions of a result by records of `most` channels and fewer."""
    if most == 2:
        return 15 if inputs <= 16 else 22
    return 7 if inputs <= 8 else 11 if inputs <= 16 else 17


def _cost(p: BinaryConv2DParams, most: int) -> int:
    rows, columns, in_c = (*p.kernel, p.input_shape[3])
    results = len(p.weights) * _per_result(rows * columns * in_c, most)
    of_image = int(np.prod(p.input_shape)) * 2
    return 400 + of_image + int(np.prod(p.output_shape[:3])) * (45 + 13 * rows + results)


def _by_itself(p: BinaryConv2DParams) -> bool:
    """Whether windows become bits without their image."""
    return are_in_place(p) and (p.kernel[0] == 1 or are_apart(p))


def _records(p: Any, most: int) -> tuple[np.ndarray, np.ndarray]:
    """Weights of records of `most` channels and fewer, int32 (records, 1), and these channels, (records, channels)."""
    filters = as_filters(p).reshape(len(p.weights), -1)
    channels, inputs = filters.shape
    lanes = next(n for n in (4, 2, 1) if n == 1 or (n <= most and inputs <= 32 // n and channels >= n))
    bits = np.zeros((channels, 32 // lanes), np.uint8)
    bits[:, :inputs] = filters > 0
    records = blocks(channels, lanes)
    weights = np.packbits(bits[records].reshape(len(records), -1), axis=1, bitorder="little")
    return int8_words(weights.view(np.int8)), records


def _tables(p: Any, records: np.ndarray, taken_off: np.ndarray) -> np.ndarray:
    """int32 (records, words): for each of the numbers that are taken off the sum of no unlike signs the int8 results of
    a record's channels, in whole words."""
    sums = most_alike(p)[:, np.newaxis] - taken_off
    multipliers, shifts = (np.broadcast_to(v, (len(sums),))[:, np.newaxis] for v in (p.multipliers, p.shifts))
    results = requantize(sums, multipliers, shifts) + p.output_offset
    results = np.clip(results, p.activation_min, p.activation_max).astype(np.int8)
    tables = results[records].swapaxes(1, 2).reshape(len(records), -1)
    return int8_words(np.pad(tables, ((0, 0), (0, -tables.shape[1] % 4))))
