"""Sums of products of blocks that become blocks at once, by our own kernels.

In two passes no sum is in memory: that is worth it where products are cheap, with the DSP extension. Elsewhere the sums
are kept, and make the block as DYNAMIC_QUANTIZE does.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from edgeq.ir import frozen_array
from edgeq.kernels import find_kernel, register
from edgeq.kernels.base import Kernel
from edgeq.kernels.conv_2d_4x2_dsp import by_four_cost, widened_order
from edgeq.kernels.packing import blocks, int8_words, joint_lanes, joint_sums_fit, wrap_int32
from edgeq.kernels.walking import WindowByWindow, forwards_distance
from edgeq.ops.dynamic_ranged import RangedParams
from edgeq.ops.spatial import hangs_over
from edgeq.program import Overlap
from edgeq.target import Cpu


class _Kept(Kernel):
    """Attributes: sums: the kernel of the sums."""

    sums: ClassVar[str]

    def cost(self, p: RangedParams, cpu: Cpu) -> int:
        results = int(np.prod(p.output_shape))
        return results * (5 * int(np.prod(p.kernel)) * p.weights.shape[3] + 60)

    def scratch_bytes(self, p: RangedParams, cpu: Cpu) -> int:
        """All sums, and what their kernel needs."""
        return 4 * int(np.prod(p.output_shape)) + find_kernel(self.sums).scratch_bytes(p, cpu)

    def overlap(self, p: RangedParams, cpu: Cpu) -> Overlap:
        """The block is written when nothing is read any more."""
        return Overlap(in_place=True, forwards=0)


@register
class RangedConvolve(_Kept):
    name = "edgeq_dynamic_ranged_convolve_s8"
    ops = ("DYNAMIC_RANGED_CONV_2D",)
    template = "dynamic_ranged_conv_2d.c.j2"
    sums = "edgeq_dynamic_convolve_s8"


@register
class RangedDepthwiseConv(_Kept):
    name = "edgeq_dynamic_ranged_depthwise_conv_s8"
    ops = ("DYNAMIC_RANGED_DEPTHWISE_CONV_2D",)
    template = "dynamic_ranged_depthwise_conv_2d.c.j2"
    sums = "edgeq_dynamic_depthwise_conv_s8"

    def cost(self, p: RangedParams, cpu: Cpu) -> int:
        return int(np.prod(p.output_shape)) * (20 * int(np.prod(p.kernel)) + 60)


# int32 per channel: two extremes, an offset, a bias.
_RANGING = 16


@register
class RangedConvolveDsp(Kernel):
    """No groups, two output channels and more, weights and sums that `packing.joint_lanes` can say.

    `packed` begins with the sum of each channel's weights. It holds one record per two output channels (a, b): a word
    for every two inputs, 256 b + a in each lane, in the order of `widened_order`.
    """

    name = "edgeq_dynamic_ranged_convolve_dsp_s8"
    ops = ("DYNAMIC_RANGED_CONV_2D",)
    template = "dynamic_ranged_conv_2d_dsp.c.j2"

    def supports(self, p: RangedParams, cpu: Cpu) -> bool:
        channels, in_c = p.weights.shape[0], p.weights.shape[3]
        if not (cpu.dsp and not cpu.mve and in_c == p.input_shape[3] and channels >= 2):
            return False
        rows = p.weights.reshape(channels, -1)
        return joint_sums_fit(rows, np.zeros(channels, np.int64), blocks(channels, 2))

    def cost(self, p: RangedParams, cpu: Cpu) -> int:
        return 2 * by_four_cost(p, 13 * len(widened_order(p)) + 170)

    def scratch_bytes(self, p: RangedParams, cpu: Cpu) -> int:
        """What the passes know of each channel; four windows of int16, and one of int8 where any has to be copied."""
        in_rows = p.kernel[1] == 1 or p.dilation[1] == 1
        copied = int(np.prod(p.weights.shape[1:])) if hangs_over(p) or not in_rows else 0
        return _RANGING * p.weights.shape[0] + 16 * len(widened_order(p)) + copied

    def overlap(self, p: RangedParams, cpu: Cpu) -> Overlap:
        walk = p.input_shape, p.output_shape, p.kernel, p.stride, p.dilation, p.pad
        return Overlap(forwards=forwards_distance(*walk, tile=0))

    def extras(self, p: RangedParams, cpu: Cpu) -> Mapping[str, np.ndarray]:
        channels = p.weights.shape[0]
        rows = p.weights.reshape(channels, -1)
        # one more weight, of 0, for what the order leaves out
        steps = np.concatenate([rows, np.zeros((channels, 1), np.int8)], axis=1)[:, widened_order(p)]
        pairs = blocks(channels, 2)
        words = joint_lanes(steps[pairs[:, 0]], steps[pairs[:, 1]])
        return {"packed": frozen_array(wrap_int32(np.concatenate([rows.sum(axis=1, dtype=np.int64), words.ravel()])))}


@register
class RangedDepthwiseConvDsp(WindowByWindow):
    """Channels in fours, one output channel for each.

    `packed` begins with the sum of each channel's weights; then, for every four channels, a word per tap.
    """

    name = "edgeq_dynamic_ranged_depthwise_conv_dsp_s8"
    ops = ("DYNAMIC_RANGED_DEPTHWISE_CONV_2D",)
    template = "dynamic_ranged_depthwise_conv_2d_dsp.c.j2"

    def supports(self, p: RangedParams, cpu: Cpu) -> bool:
        return cpu.dsp and not cpu.mve and p.depth_multiplier == 1 and p.input_shape[3] % 4 == 0

    def cost(self, p: RangedParams, cpu: Cpu) -> int:
        return int(np.prod(p.output_shape)) * (6 * int(np.prod(p.kernel)) + 60)

    def scratch_bytes(self, p: RangedParams, cpu: Cpu) -> int:
        """What the passes know of each channel, and a window."""
        return _RANGING * p.input_shape[3] + p.weights.size

    def extras(self, p: RangedParams, cpu: Cpu) -> Mapping[str, np.ndarray]:
        taps = p.weights.reshape(-1, p.input_shape[3])
        words = int8_words(taps).T.ravel()
        return {"packed": frozen_array(np.concatenate([taps.sum(axis=0, dtype=np.int32), words]))}
