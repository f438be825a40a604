"""Layers of few two-valued inputs and weights: the number of bits that differ is looked up. On any core."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from edgeq.fixedpoint import requantize
from edgeq.ir import DType, frozen_array
from edgeq.kernels import register
from edgeq.kernels.base import Kernel
from edgeq.kernels.binary_inputs import as_filters, most_alike
from edgeq.kernels.packing import blocks, int8_words
from edgeq.kernels.walking import WindowByWindow
from edgeq.ops.binary_conv_2d import BinaryConv2DParams
from edgeq.ops.binary_fully_connected import BinaryFullyConnectedParams
from edgeq.ops.spatial import hangs_over
from edgeq.program import Overlap
from edgeq.target import Cpu


class _ByTable(Kernel):
    """Windows of up to 32 inputs, none of which hangs over an edge.

    `packed` holds a record per four channels where windows have 8 inputs and fewer, per two where they have 16 and
    fewer, if there are so many, else per channel: a word of their weights, each channel's bits in a quarter, a half or
    all of it, from the lowest on; then each channel's results of 0 to n unlike signs, int8, all in whole words. The
    last record ends with the last channel.
    """

    weight_types = (DType.BINARY.value,)

    def pixels(self, p: Any) -> int:
        """How many windows there are."""
        raise NotImplementedError

    def supports(self, p: Any, cpu: Cpu) -> bool:
        return as_filters(p)[0].size <= 32

    def cost(self, p: Any, cpu: Cpu) -> int:
        filters = as_filters(p)
        per_result = 10 if filters[0].size <= 16 else 16
        return 80 + self.pixels(p) * (30 + 4 * filters[0].size + len(filters) * per_result)

    def extras(self, p: Any, cpu: Cpu) -> Mapping[str, np.ndarray]:
        filters = as_filters(p).reshape(len(p.weights), -1)
        channels, inputs = filters.shape
        lanes = 4 if inputs <= 8 and channels >= 4 else 2 if inputs <= 16 and channels >= 2 else 1
        bits = np.zeros((channels, 32 // lanes), np.uint8)
        bits[:, :inputs] = filters > 0
        sums = most_alike(p)[:, np.newaxis] - 2 * np.arange(inputs + 1)
        multipliers, shifts = (np.broadcast_to(v, (channels,))[:, np.newaxis] for v in (p.multipliers, p.shifts))
        results = requantize(sums, multipliers, shifts) + p.output_offset
        results = np.clip(results, p.activation_min, p.activation_max).astype(np.int8)
        records = blocks(channels, lanes)
        weights = np.packbits(bits[records].reshape(len(records), -1), axis=1, bitorder="little").view(np.int8)
        tables = results[records].reshape(len(records), -1)
        packed = np.concatenate([weights, np.pad(tables, ((0, 0), (0, -tables.shape[1] % 4)))], axis=1)
        return {"packed": frozen_array(int8_words(packed).ravel())}


@register
class BinaryConvolveTableS8(_ByTable):
    name = "edgeq_binary_convolve_table_s8"
    ops = ("BINARY_CONV_2D",)
    template = "binary_conv_2d_table.c.j2"

    def pixels(self, p: BinaryConv2DParams) -> int:
        return int(np.prod(p.output_shape[:3]))

    def supports(self, p: BinaryConv2DParams, cpu: Cpu) -> bool:
        in_rows = p.kernel[1] == 1 or p.dilation[1] == 1
        return super().supports(p, cpu) and in_rows and not hangs_over(p)

    def overlap(self, p: BinaryConv2DParams, cpu: Cpu) -> Overlap:
        return WindowByWindow().overlap(p, cpu)


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
