"""Sums of products of blocks that become blocks at once, by our own kernels.

In two passes no sum is in memory, and each kind of core has its own way to make products cheap. What those kernels do
not compute has its sums kept, which make the block as DYNAMIC_QUANTIZE does.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from edgeq.ir import frozen_array
from edgeq.kernels import find_kernel, register
from edgeq.kernels.base import Kernel
from edgeq.kernels.conv_2d_4x2_dsp import by_four_cost, widened_order, widened_weights
from edgeq.kernels.lane_blocks import MAX_LENGTH, exception_words, lane_blocks, padded_length, stream_words, wrap
from edgeq.kernels.packing import blocks, int8_words, joint_lanes, joint_sums_fit, padded_steps, wrap_int32
from edgeq.kernels.walking import WindowByWindow, forwards_distance
from edgeq.ops.dynamic_ranged import RangedParams
from edgeq.ops.spatial import hangs_over
from edgeq.program import Overlap
from edgeq.target import Cpu


class _Kept(Kernel):
    """Attributes: sums: the kernel of the sums."""

    sums: ClassVar[str]

    def cost(self, p: RangedParams, cpu: Cpu) -> int:
        per_product, rest = (6, 230) if cpu.arch == "armv6-m" else (4, 60)
        return int(np.prod(p.output_shape)) * (per_product * int(np.prod(p.weights.shape[1:])) + rest)

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
        per_tap, rest = (40, 125) if cpu.arch == "armv6-m" else (20, 45)
        return int(np.prod(p.output_shape)) * (per_tap * int(np.prod(p.kernel)) + rest)


# int32 per channel: two extremes, an offset, a bias.
_RANGING = 16


def _is_run(p: RangedParams) -> bool:
    """Whether a window on the image is one run of bytes."""
    is_row = p.kernel[1] == 1 or p.dilation[1] == 1
    is_whole = p.kernel[1] == p.input_shape[2] and p.dilation[0] == 1
    return is_row and (p.kernel[0] == 1 or is_whole)


class _TwoPasses(Kernel):
    """Those that write no result of a window before all of it has been read."""

    def overlap(self, p: RangedParams, cpu: Cpu) -> Overlap:
        walk = p.input_shape, p.output_shape, p.kernel, p.stride, p.dilation, p.pad
        return Overlap(forwards=forwards_distance(*walk, tile=0))


@register
class RangedConvolveDsp(_TwoPasses):
    """No groups, two output channels and more, weights and sums that `packing.joint_lanes` can say.

    `packed` begins with the sum of each channel's weights. It holds one record per two output channels (a, b): a word
    for every two inputs, 256 b + a in each lane, in the order of `widened_order`.
    """

    name = "edgeq_dynamic_ranged_convolve_dsp_s8"
    ops = ("DYNAMIC_RANGED_CONV_2D",)
    template = "dynamic_ranged_conv_2d_packed.c.j2"

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

    def extras(self, p: RangedParams, cpu: Cpu) -> Mapping[str, np.ndarray]:
        channels = p.weights.shape[0]
        rows, steps = p.weights.reshape(channels, -1), widened_weights(p)
        pairs = blocks(channels, 2)
        words = joint_lanes(steps[pairs[:, 0]], steps[pairs[:, 1]])
        return {"packed": frozen_array(wrap_int32(np.concatenate([rows.sum(axis=1, dtype=np.int64), words.ravel()])))}


@register
class RangedConvolveLanes(_TwoPasses):
    """No groups, two output channels and more.

    `packed` begins with the sum of each channel's weights. It holds one record per two output channels (a, b), those of
    `edgeq.kernels.conv_2d_lanes` without what follows the exceptions.
    """

    name = "edgeq_dynamic_ranged_convolve_lanes_s8"
    ops = ("DYNAMIC_RANGED_CONV_2D",)
    template = "dynamic_ranged_conv_2d_packed.c.j2"

    def supports(self, p: RangedParams, cpu: Cpu) -> bool:
        channels, *window = p.weights.shape
        return not cpu.dsp and window[2] == p.input_shape[3] and channels >= 2 and int(np.prod(window)) <= MAX_LENGTH

    def cost(self, p: RangedParams, cpu: Cpu) -> int:
        channels, *window = p.weights.shape
        length = padded_length(int(np.prod(window)))
        is_small = cpu.arch == "armv6-m"
        per_block, per_record, per_input, per_row = (35, 385, 24, 110) if is_small else (23, 135, 7, 75)
        copies = 0 if _is_run(p) and int(np.prod(window)) == length else 2 * per_row * p.kernel[0]
        pair = -(-channels // 2) * (length // 4 * per_block + per_record) + per_input * length + copies + 150
        return 2 * pair * -(-int(np.prod(p.output_shape[:3])) // 2)

    def scratch_bytes(self, p: RangedParams, cpu: Cpu) -> int:
        """What the passes know of each channel; the stream of two windows, and these."""
        length = int(np.prod(p.weights.shape[1:]))
        return _RANGING * p.weights.shape[0] + 4 * stream_words(length) + 2 * padded_length(length)

    def extras(self, p: RangedParams, cpu: Cpu) -> Mapping[str, np.ndarray]:
        rows = p.weights.reshape(p.weights.shape[0], -1)
        weights = lane_blocks(rows)
        first = weights.first_words(np.zeros(len(rows), np.int64))
        words = [rows.sum(axis=1, dtype=np.int64)]
        for pair in blocks(len(rows), 2):
            words += [first[pair].ravel(), weights.words[pair].T.ravel()]
            words.append(exception_words(tuple(weights.exceptions[channel] for channel in pair)))
        return {"packed": frozen_array(wrap(np.concatenate(words)))}


@register
class RangedConvolveMve(WindowByWindow):
    """No groups, four output channels and more.

    `packed` begins with the sum of each channel's weights. It holds one record per four output channels: four zeros,
    and for every sixteen weights those of each channel, filled up with zeros.
    """

    name = "edgeq_dynamic_ranged_convolve_mve_s8"
    ops = ("DYNAMIC_RANGED_CONV_2D",)
    template = "dynamic_ranged_conv_2d_packed.c.j2"

    def supports(self, p: RangedParams, cpu: Cpu) -> bool:
        return cpu.mve and p.weights.shape[3] == p.input_shape[3] and p.weights.shape[0] >= 4

    def cost(self, p: RangedParams, cpu: Cpu) -> int:
        channels, *window = p.weights.shape
        tile = 20 * -(-int(np.prod(window)) // 16) + 90
        copies = 0 if _is_run(p) else 2 * 75 * p.kernel[0]
        return int(np.prod(p.output_shape[:3])) * (-(-channels // 4) * tile + copies + 100)

    def scratch_bytes(self, p: RangedParams, cpu: Cpu) -> int:
        """What the passes know of each channel, and a window."""
        return _RANGING * p.weights.shape[0] + int(np.prod(p.weights.shape[1:]))

    def extras(self, p: RangedParams, cpu: Cpu) -> Mapping[str, np.ndarray]:
        channels = p.weights.shape[0]
        rows = p.weights.reshape(channels, -1)
        records = blocks(channels, 4)
        steps = np.moveaxis(padded_steps(rows).reshape(channels, -1, 16)[records], 1, 2)
        words = np.concatenate(
            [np.zeros((len(records), 4), np.int32), int8_words(steps).reshape(len(records), -1)], axis=1
        )
        return {"packed": frozen_array(np.concatenate([rows.sum(axis=1, dtype=np.int32), words.ravel()]))}


class _RangedDepthwise(WindowByWindow):
    ops = ("DYNAMIC_RANGED_DEPTHWISE_CONV_2D",)
    template = "dynamic_ranged_depthwise_conv_2d_packed.c.j2"

    def scratch_bytes(self, p: RangedParams, cpu: Cpu) -> int:
        """What the passes know of each channel, and a window."""
        return _RANGING * p.input_shape[3] + p.weights.size


@register
class RangedDepthwiseConvWords(_RangedDepthwise):
    """One output channel for each.

    `packed` begins with the sum of each channel's weights; then, for every channel, 0 and a word for each weight.
    """

    name = "edgeq_dynamic_ranged_depthwise_conv_words_s8"

    def supports(self, p: RangedParams, cpu: Cpu) -> bool:
        return p.depth_multiplier == 1

    def cost(self, p: RangedParams, cpu: Cpu) -> int:
        # nine taps are unrolled
        per_tap, rest = (5, 200) if cpu.arch == "armv6-m" else (3, 80)
        per_tap, per_row = (per_tap, 0) if p.kernel == (3, 3) else (per_tap + 4, 8)
        taps = int(np.prod(p.kernel)) * per_tap + p.kernel[0] * per_row
        return int(np.prod(p.output_shape)) * (2 * taps + rest)

    def extras(self, p: RangedParams, cpu: Cpu) -> Mapping[str, np.ndarray]:
        taps = p.weights.reshape(-1, p.input_shape[3]).astype(np.int32)
        words = np.concatenate([np.zeros((1, taps.shape[1]), np.int32), taps]).T.ravel()
        return {"packed": frozen_array(np.concatenate([taps.sum(axis=0, dtype=np.int32), words]))}


@register
class RangedDepthwiseConvFours(_RangedDepthwise):
    """Channels in fours, one output channel for each.

    `packed` begins with the sum of each channel's weights; then, for every four channels, a word per tap.
    """

    name = "edgeq_dynamic_ranged_depthwise_conv_fours_s8"

    def supports(self, p: RangedParams, cpu: Cpu) -> bool:
        return cpu.dsp and p.depth_multiplier == 1 and p.input_shape[3] % 4 == 0

    def cost(self, p: RangedParams, cpu: Cpu) -> int:
        per_tap, rest = (5, 40) if cpu.mve else (9, 85)
        return int(np.prod(p.output_shape)) * (per_tap * int(np.prod(p.kernel)) + rest)

    def extras(self, p: RangedParams, cpu: Cpu) -> Mapping[str, np.ndarray]:
        taps = p.weights.reshape(-1, p.input_shape[3])
        words = int8_words(taps).T.ravel()
        return {"packed": frozen_array(np.concatenate([taps.sum(axis=0, dtype=np.int32), words]))}
