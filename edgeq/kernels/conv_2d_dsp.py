"""CONV_2D by our own kernel for cores with the DSP extension."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from edgeq.ir import frozen_array
from edgeq.kernels import register
from edgeq.kernels.base import Kernel
from edgeq.kernels.packing import blocks, channel_bounds, fold_offset, int8_words, padded_rows, requantization
from edgeq.ops.conv_2d import Conv2DParams
from edgeq.ops.spatial import covered
from edgeq.target import Cpu


@register
class ConvolveDspS8(Kernel):
    """No groups, no dilation in width, two output channels and more, filters whose rows have four weights and more.

    `packed` holds one record per two output channels (a, b): their biases with the input's offset folded in; for every
    row of the filter and every four weights of it a word of a and one of b; the requantization of a and of b. A row
    whose length is no multiple of four ends with its last four weights, those that came before set to 0.
    """

    name = "edgeq_convolve_dsp_s8"
    ops = ("CONV_2D",)
    template = "conv_2d_dsp.c.j2"
    tuned = True

    def supports(self, p: Conv2DParams, cpu: Cpu) -> bool:
        out_c, _, width, in_c = p.weights.shape
        return (
            cpu.dsp
            and not cpu.mve
            and p.groups == 1
            and (p.dilation[1] == 1 or width == 1)
            and width * in_c >= 4
            and out_c >= 2
            and _requantization(p) is not None
        )

    def cost(self, p: Conv2DParams, cpu: Cpu) -> int:
        n, out_h, out_w, out_c = p.output_shape
        kernel_h, row = p.kernel[0], p.kernel[1] * p.input_shape[3]
        per_row = 20 * (row // 4) + (30 if row % 4 else 0) + 14
        pairs = -(-n * out_h * out_w // 2)
        return pairs * (-(-out_c // 2) * (kernel_h * per_row + 50) + 120)

    def scratch_bytes(self, p: Conv2DParams, cpu: Cpu) -> int:
        """Two windows where any hangs over an edge of the image."""
        size = covered(p.output_shape[1:3], p.kernel, p.stride, p.dilation)
        inside = all(
            before == 0 and extent <= n for before, extent, n in zip(p.pad, size, p.input_shape[1:3], strict=True)
        )
        return 0 if inside else 2 * int(np.prod(p.weights.shape[1:]))

    def extras(self, p: Conv2DParams, cpu: Cpu) -> Mapping[str, np.ndarray]:
        out_c, height, width, in_c = p.weights.shape
        channels = blocks(out_c, 2)
        count = len(channels)
        rows = int8_words(padded_rows(p.weights.reshape(out_c, height, width * in_c)))
        weights = np.moveaxis(rows[channels], 1, -1)  # (records, height, fours, 2)
        words = [
            fold_offset(p.weights, p.bias, p.input_offset)[channels],
            weights.reshape(count, -1),
            _requantization(p)[channels].reshape(count, -1),
        ]
        return {"packed": frozen_array(np.concatenate(words, axis=1).astype(np.int32))}


def _requantization(p: Conv2DParams) -> np.ndarray | None:
    folded = fold_offset(p.weights, p.bias, p.input_offset)
    return requantization(p, channel_bounds(p.weights, folded, 128))
