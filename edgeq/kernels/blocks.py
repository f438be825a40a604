"""Layers whose weights have zero points, or scales and minima of blocks, by our own kernels.

4-bit weights without either are one block for each channel, faster here than by the portable CMSIS-NN functions, and
with the DSP extension than by Arm's. The vector extension has kernels of its own for them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from edgeq.fixedpoint import INT32_MAX
from edgeq.ir import frozen_array
from edgeq.kernels import register
from edgeq.kernels.base import Kernel
from edgeq.kernels.walking import forwards_distance
from edgeq.ops.conv_2d import Conv2DParams, FineConv2DParams
from edgeq.ops.fine_weights import PlainWeights
from edgeq.ops.fully_connected import FineFullyConnectedParams, FullyConnectedParams
from edgeq.program import Overlap
from edgeq.target import Cpu

# Places of four weights in the bytes of a word, and of eight in its halves of bytes: edgeq_blocks.h.
_FOUR = np.array([0, 2, 1, 3])
_EIGHT = np.array([0, 2, 4, 6, 1, 3, 5, 7])


def packed_blocks(weights: np.ndarray, bits: int) -> np.ndarray:
    """int8 weights (channels, …) of 8 or 4 bits as edgeq_blocks.h has them: int8 (channels, bytes of a row)."""
    rows = weights.reshape(weights.shape[0], -1)
    order = _FOUR if bits == 8 else _EIGHT
    rows = np.pad(rows, ((0, 0), (0, -rows.shape[1] % order.size)))
    words = rows.reshape(len(rows), -1, order.size)[..., order]
    if bits == 8:
        return words.reshape(len(rows), -1)
    codes = (words + 8).astype(np.uint8)
    return (codes[..., 0::2] | codes[..., 1::2] << 4).astype(np.uint8).view(np.int8).reshape(len(rows), -1)


def _cost(windows: int, results: int, count: int, cpu: Cpu) -> int:
    """Instructions: every window is widened and summed, and multiplied for each of its results."""
    per_product = 2 if cpu.dsp else 5
    return windows * (10 * count + results * (per_product * count + 90))


class _Blocks(Kernel):
    """`packed`: the weights in the order of their use. The linker drops the array of codes, which nothing refers to."""

    bits: int

    def supports(self, p: PlainWeights, cpu: Cpu) -> bool:
        # a block's sum of 4-bit codes is formed of codes from 0 to 15
        return 15 * 255 * p.weights_per_block <= INT32_MAX

    def scratch_bytes(self, p: PlainWeights, cpu: Cpu) -> int:
        """A sum for each block of a channel, and the inputs of one result."""
        count = math.prod(p.weights.shape[1:])
        return 4 * -(-count // p.weights_per_block) + 2 * (-(-count // 8) * 8)

    def extras(self, p: PlainWeights, cpu: Cpu) -> Mapping[str, np.ndarray]:
        return {"packed": frozen_array(packed_blocks(p.weights, self.bits))}


class _Convolve(_Blocks):
    ops = ("CONV_2D",)
    template = "conv_2d_blocks.c.j2"

    def cost(self, p: Conv2DParams, cpu: Cpu) -> int:
        windows = math.prod(p.output_shape[:3]) * p.groups
        return _cost(windows, p.weights.shape[0] // p.groups, math.prod(p.weights.shape[1:]), cpu)

    def overlap(self, p: FineConv2DParams, cpu: Cpu) -> Overlap:
        walk = p.input_shape, p.output_shape, p.kernel, p.stride, p.dilation, p.pad
        # of groups, the second one's inputs are read after the first one's results are written
        return Overlap(forwards=forwards_distance(*walk, tile=0 if p.groups == 1 else 1))


@register
class ConvolveBlocksS8(_Convolve):
    name = "edgeq_convolve_blocks_s8"
    weight_types = ("int8 in blocks",)
    bits = 8


@register
class ConvolveBlocksS4(_Convolve):
    name = "edgeq_convolve_blocks_s4"
    weight_types = ("int4", "int4 in blocks")
    tuned = True
    bits = 4


class _FullyConnected(_Blocks):
    ops = ("FULLY_CONNECTED",)
    template = "fully_connected_blocks.c.j2"

    def cost(self, p: FullyConnectedParams, cpu: Cpu) -> int:
        return _cost(p.batches, p.units, p.depth, cpu)

    def overlap(self, p: FineFullyConnectedParams, cpu: Cpu) -> Overlap:
        """A row of inputs is read whole before any of its results is written."""
        return Overlap(forwards=max(0, (p.batches - 1) * (p.units - p.depth)))


@register
class FullyConnectedBlocksS8(_FullyConnected):
    name = "edgeq_fully_connected_blocks_s8"
    weight_types = ("int8 in blocks",)
    bits = 8


@register
class FullyConnectedBlocksS4(_FullyConnected):
    name = "edgeq_fully_connected_blocks_s4"
    weight_types = ("int4", "int4 in blocks")
    tuned = True
    bits = 4
