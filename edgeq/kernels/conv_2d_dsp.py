"""CONV_2D by our own kernel for cores with the DSP extension."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from edgeq.ir import frozen_array
from edgeq.kernels import register
from edgeq.kernels.base import Kernel
from edgeq.kernels.packing import Channels, blocks, channels_of, fold_offset, int8_words, padded_rows
from edgeq.kernels.walking import backwards_distance, forwards_distance
from edgeq.ops.conv_2d import Conv2DParams
from edgeq.ops.spatial import hangs_over
from edgeq.program import Overlap
from edgeq.target import Cpu

# Pixels that are computed together.
_PIXELS = 2


class ByTwo(Kernel):
    """No groups, two output channels and more, windows of four bytes and more: two pixels at a time.

    The constant `copied`, one number, is 1 where every window is copied; then all rows of the filter are one.

    Attributes:
        per_four, per_tail: instructions of four bytes of both pixels and two channels, and of fewer at a row's end.
        per_record: of both pixels and two channels beside.
    """

    ops = ("CONV_2D",)
    template = "conv_2d_dsp.c.j2"
    per_four: ClassVar[int]
    per_tail: ClassVar[int]
    per_record: ClassVar[int]

    def supports(self, p: Conv2DParams, cpu: Cpu) -> bool:
        out_c, *window = p.weights.shape
        return cpu.dsp and not cpu.mve and p.groups == 1 and out_c >= 2 and int(np.prod(window)) >= 4

    def cost(self, p: Conv2DParams, cpu: Cpu) -> int:
        return min(self._cost(p, copied) for copied in (False, True) if copied or _may_read_in_place(p))

    def scratch_bytes(self, p: Conv2DParams, cpu: Cpu) -> int:
        """Two windows where any is copied."""
        return 2 * int(np.prod(p.weights.shape[1:])) if hangs_over(p) or self.copies_all(p) else 0

    def overlap(self, p: Conv2DParams, cpu: Cpu) -> Overlap:
        walk = p.input_shape, p.output_shape, p.kernel, p.stride, p.dilation, p.pad
        return Overlap(
            forwards=forwards_distance(*walk, tile=_PIXELS), backwards=backwards_distance(*walk, tile=_PIXELS)
        )

    def copies_all(self, p: Conv2DParams) -> bool:
        return not _may_read_in_place(p) or self._cost(p, True) < self._cost(p, False)

    def rows(self, p: Conv2DParams) -> np.ndarray:
        """Weights, int8 (channels, rows, bytes)."""
        out_c, height, *_ = p.weights.shape
        return p.weights.reshape(out_c, 1 if self.copies_all(p) else height, -1)

    def _cost(self, p: Conv2DParams, copied: bool) -> int:
        """Instructions where every window is copied, or only those that hang over an edge (taken to be none)."""
        out_c, height, width, in_c = p.weights.shape
        n, out_h, out_w, _ = p.output_shape
        rows, row = (1, height * width * in_c) if copied else (height, width * in_c)
        tile = rows * (self.per_four * (row // 4) + (self.per_tail if row % 4 else 0) + 14) + self.per_record
        copy = 2 * (height * (25 + 2 * width * in_c) + 130) if copied else 0
        return -(-n * out_h * out_w // 2) * (-(-out_c // 2) * tile + copy + 100)


@register
class ConvolveDspS8(ByTwo):
    """Sums and factors that `packing.channels_of` can say.

    `packed` holds one record per two output channels (a, b): their biases with the input's offset folded in; for every
    row of the filter and every four weights of it a word of a and one of b; the requantization of a and of b. A row
    whose length is no multiple of four ends with its last four weights, those that came before set to 0.
    """

    name = "edgeq_convolve_dsp_s8"
    tuned = True
    code_bytes = 1744
    per_four = 20
    per_tail = 32
    per_record = 60

    def supports(self, p: Conv2DParams, cpu: Cpu) -> bool:
        return super().supports(p, cpu) and folded_channels(p) is not None

    def extras(self, p: Conv2DParams, cpu: Cpu) -> Mapping[str, np.ndarray]:
        """`packed`, and `copied`, one number: 1 where every window is copied."""
        rows = int8_words(padded_rows(self.rows(p)))
        pairs = blocks(p.weights.shape[0], 2)
        per_channel = folded_channels(p)
        words = [
            per_channel.bias[pairs],
            np.moveaxis(rows[pairs], 1, -1).reshape(len(pairs), -1),
            per_channel.quant[pairs].reshape(len(pairs), -1),
        ]
        packed = np.concatenate(words, axis=1).astype(np.int32)
        return {"packed": frozen_array(packed), "copied": frozen_array(np.array([self.copies_all(p)], np.int8))}


def folded_channels(p: Conv2DParams) -> Channels | None:
    """What a table says of the channels, the input's offset folded into the biases."""
    return channels_of(p, p.weights, fold_offset(p.weights, p.bias, p.input_offset), 128)


def _may_read_in_place(p: Conv2DParams) -> bool:
    """Whether the rows of a window are runs of four bytes and more in the image."""
    _, _, width, in_c = p.weights.shape
    return width * in_c >= 4 and (width == 1 or p.dilation[1] == 1)
