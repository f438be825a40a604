"""CONV_2D by our own kernel for cores with the vector extension."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from edgeq.ir import frozen_array
from edgeq.kernels import register
from edgeq.kernels.base import Kernel
from edgeq.kernels.packing import (
    VectorChannels,
    blocks,
    fold_offset,
    int8_words,
    padded_steps,
    vector_channels_of,
)
from edgeq.kernels.walking import backwards_distance, forwards_distance
from edgeq.ops.conv_2d import Conv2DParams
from edgeq.ops.spatial import covered
from edgeq.program import Overlap
from edgeq.target import Cpu

# Pixels and channels that are computed together.
_PIXELS = 2
_CHANNELS = 4


@register
class ConvolveMveS8(Kernel):
    """No groups, four output channels and more.

    `packed` holds one record per four output channels: their biases with the input's offset folded in; for every row of
    the filter and every sixteen weights of it those of each channel; their multipliers; their shifts. Rows are
    filled up with zeros. Where every window is copied, all rows of the filter are one.
    """

    name = "edgeq_convolve_mve_s8"
    ops = ("CONV_2D",)
    template = "conv_2d_mve.c.j2"
    tuned = True
    code_bytes = 3982

    def supports(self, p: Conv2DParams, cpu: Cpu) -> bool:
        return cpu.mve and p.groups == 1 and p.weights.shape[0] >= _CHANNELS and _channels(p) is not None

    def cost(self, p: Conv2DParams, cpu: Cpu) -> int:
        return min(_cost(p, copied) for copied in (False, True) if copied or _may_read_in_place(p))

    def scratch_bytes(self, p: Conv2DParams, cpu: Cpu) -> int:
        """Two windows where any is copied, in sixteens, and as much behind them as a short row may write."""
        window = int(np.prod(p.weights.shape[1:]))
        return 2 * (-(-window // 16) * 16) + 16 if _copies_any(p) else 0

    def overlap(self, p: Conv2DParams, cpu: Cpu) -> Overlap:
        walk = p.input_shape, p.output_shape, p.kernel, p.stride, p.dilation, p.pad
        return Overlap(
            forwards=forwards_distance(*walk, tile=_PIXELS), backwards=backwards_distance(*walk, tile=_PIXELS)
        )

    def extras(self, p: Conv2DParams, cpu: Cpu) -> Mapping[str, np.ndarray]:
        """`packed`, and `copied`, one number: 1 where every window is copied."""
        out_c, height, *_ = p.weights.shape
        copied = _copies_all(p)
        rows = padded_steps(p.weights.reshape(out_c, 1 if copied else height, -1))
        steps = int8_words(rows).reshape(out_c, -1, 4)  # words of sixteen weights
        tiles = blocks(out_c, _CHANNELS)
        bias, quant = _channels(p).words(tiles)
        words = [bias, np.moveaxis(steps[tiles], 1, 2).reshape(len(tiles), -1), quant]
        packed = np.concatenate(words, axis=1).astype(np.int32)
        return {"packed": frozen_array(packed), "copied": frozen_array(np.array([copied], np.int8))}


def _channels(p: Conv2DParams) -> VectorChannels | None:
    return vector_channels_of(p, p.weights, fold_offset(p.weights, p.bias, p.input_offset), 128)


def _copies_any(p: Conv2DParams) -> bool:
    """Windows that hang over an edge of the image, and those left over in odd rows, but for pixels in order."""
    pointwise = p.kernel == p.stride == (1, 1) and p.pad == (0, 0) and p.input_shape[:3] == p.output_shape[:3]
    return _copies_all(p) or _hangs_over(p) or (p.output_shape[2] % 2 == 1 and not pointwise)


def _hangs_over(p: Conv2DParams) -> bool:
    """Whether a window hangs over an edge of the image."""
    size = covered(p.output_shape[1:3], p.kernel, p.stride, p.dilation)
    return any(before > 0 or extent > n for before, extent, n in zip(p.pad, size, p.input_shape[1:3], strict=True))


def _may_read_in_place(p: Conv2DParams) -> bool:
    """Whether the rows of a window are runs of bytes in the image."""
    return p.weights.shape[2] == 1 or p.dilation[1] == 1


def _copies_all(p: Conv2DParams) -> bool:
    return not _may_read_in_place(p) or _cost(p, True) < _cost(p, False)


def _cost(p: Conv2DParams, copied: bool) -> int:
    """Instructions where every window is copied, or only those that hang over an edge (taken to be none)."""
    out_c, height, width, in_c = p.weights.shape
    n, out_h, out_w, _ = p.output_shape
    rows, row = (1, height * width * in_c) if copied else (height, width * in_c)
    steps = -(-row // 16)
    if rows == 1 and steps <= 5:
        tile = 30 + 14 * steps
    elif steps == 1:
        tile = 28 + 19 * rows
    else:
        tile = 35 + rows * (14 * steps + 10 + steps // 2)
    copy = 2 * (height * (20 + 4 * -(-width * in_c // 16)) + 90) + 60 if copied else 0
    return -(-n * out_h * out_w // _PIXELS) * (-(-out_c // _CHANNELS) * tile + copy + 30)
