"""CONV_2D by our own kernel for cores with the vector extension."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from edgeq.ir import DType, frozen_array
from edgeq.kernels import register
from edgeq.kernels.packing import blocks, padded_steps
from edgeq.kernels.vector_tables import JointTable, TernaryTable, VectorTable
from edgeq.kernels.walking import backwards_distance, forwards_distance, pairs_leave_rows
from edgeq.ops.conv_2d import Conv2DParams
from edgeq.ops.spatial import hangs_over
from edgeq.program import Overlap
from edgeq.target import Cpu

# Pixels and channels that are computed together.
_PIXELS = 2
_CHANNELS = 4


@register
class ConvolveMveS8(VectorTable):
    """No groups, four output channels and more.

    `packed` holds one record per four output channels: their biases with the input's offset folded in; for every row of
    the filter and every sixteen weights of it those of each channel; their multipliers; their shifts. Rows are
    filled up with zeros; three of eight to ten weights share two steps (`_patch_steps`). Where every window is copied,
    all rows of the filter are one.
    """

    name = "edgeq_convolve_mve_s8"
    ops = ("CONV_2D",)
    template = "conv_2d_mve.c.j2"
    tuned = True
    code_bytes = 3868

    def supports(self, p: Conv2DParams, cpu: Cpu) -> bool:
        if not cpu.mve or p.groups > 1 or p.weights.shape[0] < _CHANNELS:
            return False
        channels = self.channels(p)
        return channels is not None and self.fits(p, _steps(p, self.copies_all(p), channels.has_left))

    def cost(self, p: Conv2DParams, cpu: Cpu) -> int:
        return _cost(p, self.copies_all(p))

    def copies_all(self, p: Conv2DParams) -> bool:
        """Whether every window is copied."""
        return not _may_read_in_place(p) or _cost(p, True) < _cost(p, False)

    def scratch_bytes(self, p: Conv2DParams, cpu: Cpu) -> int:
        """Two windows where any is copied, in sixteens, and as much behind them as a short row may write."""
        window = int(np.prod(p.weights.shape[1:]))
        return 2 * (-(-window // 16) * 16) + 16 if self.copies_all(p) or _copies_some(p) else 0

    def overlap(self, p: Conv2DParams, cpu: Cpu) -> Overlap:
        walk = p.input_shape, p.output_shape, p.kernel, p.stride, p.dilation, p.pad
        return Overlap(
            forwards=forwards_distance(*walk, tile=_PIXELS), backwards=backwards_distance(*walk, tile=_PIXELS)
        )

    def extras(self, p: Conv2DParams, cpu: Cpu) -> Mapping[str, np.ndarray]:
        """`packed`, and `copied`, one number: 1 where every window is copied."""
        channels = self.channels(p)
        records = blocks(p.weights.shape[0], _CHANNELS)
        return {
            "packed": self.packed(channels, records, _steps(p, self.copies_all(p), channels.has_left)),
            "copied": frozen_array(np.array([self.copies_all(p)], np.int8)),
        }


@register
class ConvolveMveS4(JointTable, ConvolveMveS8):
    """Weights of four bits: two channels share the bytes of the table (`joint_weights`)."""

    name = "edgeq_convolve_mve_s4"
    weight_types = ("int4",)
    code_bytes = 4018


@register
class ConvolveTernaryMveS8(TernaryTable, ConvolveMveS8):
    """Ternary and binary weights: four channels share the bytes of the table."""

    name = "edgeq_convolve_ternary_mve_s8"
    tuned = False

    def cost(self, p: Conv2DParams, cpu: Cpu) -> int:
        return super().cost(p, cpu) + math.prod(p.output_shape) * (2 if self.channels(p).has_left else 1)


@register
class BinaryConvolveMveS8(ConvolveTernaryMveS8):
    """Signs by signs: inputs become -1 and 1 as windows are copied."""

    name = "edgeq_binary_convolve_mve_s8"
    ops = ("BINARY_CONV_2D",)
    template = "binary_conv_2d_mve.c.j2"
    weight_types = (DType.BINARY.value,)
    reach = 1

    def copies_all(self, p: Conv2DParams) -> bool:
        return True


def _steps(p: Conv2DParams, copied: bool, has_left: bool) -> np.ndarray:
    """The weights of records' channels, sixteen to a step: int8 (records, steps, 4, 16)."""
    out_c, height, *_ = p.weights.shape
    rows = p.weights.reshape(out_c, 1 if copied else height, -1)
    rows = _patch_steps(rows) if not has_left and _is_patch(*rows.shape[1:]) else padded_steps(rows)
    return np.moveaxis(rows.reshape(out_c, -1, 16)[blocks(out_c, _CHANNELS)], 1, 2)


def _is_patch(rows: int, row: int) -> bool:
    """Whether a window of so many rows of so many bytes takes two steps, the second row in what the others leave."""
    return rows == 3 and 8 <= row <= 10


def _patch_steps(rows: np.ndarray) -> np.ndarray:
    """int8 (..., 2, 16) of (..., 3, n): the first row and the second's beginning, the third and the second's end."""
    first, second, third = (rows[..., row, :] for row in range(3))
    free = 16 - rows.shape[-1]
    steps = np.zeros((*rows.shape[:-2], 2, 16), np.int8)
    steps[..., 0, :] = np.concatenate([first, second[..., :free]], axis=-1)
    steps[..., 1, : rows.shape[-1]] = third
    steps[..., 1, 2 * free :] = second[..., free:]
    return steps


def _copies_some(p: Conv2DParams) -> bool:
    """Windows that hang over an edge of the image, and those left over in odd rows, but for pixels in order."""
    return hangs_over(p) or pairs_leave_rows(p)


def _may_read_in_place(p: Conv2DParams) -> bool:
    """Whether the rows of a window are runs of bytes in the image."""
    return p.weights.shape[2] == 1 or p.dilation[1] == 1


def _cost(p: Conv2DParams, copied: bool) -> int:
    """Instructions where every window is copied, or only those that hang over an edge (taken to be none)."""
    out_c, height, width, in_c = p.weights.shape
    n, out_h, out_w, _ = p.output_shape
    rows, row = (1, height * width * in_c) if copied else (height, width * in_c)
    steps = -(-row // 16)
    pair = 20
    if rows == 1 and steps <= 2:
        tile = 21 + 12 * steps
    elif rows == 1 and steps <= 5:
        tile = 26 + 14 * steps
    elif _is_patch(rows, row):
        pair, tile = 35, 45
    elif steps == 1:
        tile = 28 + 17 * rows
    else:
        tile = 33 + rows * (14 * steps + 10 + steps // 2)
    copy = 2 * (height * (20 + 4 * -(-width * in_c // 16)) + 90) + 60 if copied else 0
    return -(-n * out_h * out_w // _PIXELS) * (-(-out_c // _CHANNELS) * tile + copy + pair)
