"""DEPTHWISE_CONV_2D by our own kernel for cores with the DSP extension."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from edgeq.ir import frozen_array
from edgeq.kernels import register
from edgeq.kernels.base import Kernel
from edgeq.kernels.one_shift import OneShift, one_shift, scaled
from edgeq.kernels.packing import Channels, blocks, channels_of, lanes
from edgeq.kernels.sums import sums_between
from edgeq.kernels.walking import forwards_distance
from edgeq.ops.depthwise_conv_2d import DepthwiseConv2DParams
from edgeq.ops.spatial import taps_on_image
from edgeq.program import Overlap
from edgeq.target import Cpu


@register
class DepthwiseConvDspS8(Kernel):
    """Four channels and more with one filter each; any stride, padding and dilation.

    `packed` holds one record per four channels (0 1 2 3): their biases; for every tap a word of the weights 0 and 2
    and one of 1 and 3, in lanes; the requantization of each channel. Biases and weights are doubled, or multiplied by
    what `one_shift.OneShift` of the channel wants; `one_shift`, one number: 1 where it does.
    """

    name = "edgeq_depthwise_conv_dsp_s8"
    ops = ("DEPTHWISE_CONV_2D",)
    template = "depthwise_conv_2d_dsp.c.j2"
    tuned = True
    code_bytes = 1466

    def supports(self, p: DepthwiseConv2DParams, cpu: Cpu) -> bool:
        return (
            cpu.dsp
            and not cpu.mve
            and p.depth_multiplier == 1
            and p.input_shape[3] >= 4
            and depthwise_channels(p) is not None
        )

    def cost(self, p: DepthwiseConv2DParams, cpu: Cpu) -> int:
        records = -(-p.input_shape[3] // 4)
        rows, cols = (taps_on_image(p, axis) for axis in (0, 1))
        whole = (rows == 3).sum() * (cols == 3).sum() if p.kernel == (3, 3) else 0
        taps = rows.sum() * cols.sum() - 9 * whole
        border = 8 * taps + 10 * (rows.sum() * cols.size - 3 * whole) + 85 * (rows.size * cols.size - whole)
        per_pixel = 15 * whole + 90 * (rows.size * cols.size - whole)
        return int(p.input_shape[0] * (records * (109 * whole + border) + per_pixel))

    def overlap(self, p: DepthwiseConv2DParams, cpu: Cpu) -> Overlap:
        return Overlap(forwards=forwards_distance(p.input_shape, p.output_shape, p.kernel, p.stride, p.dilation, p.pad))

    def extras(self, p: DepthwiseConv2DParams, cpu: Cpu) -> Mapping[str, np.ndarray]:
        return _table(p, depthwise_one_shift(p))

    def small_extras(self, p: DepthwiseConv2DParams, cpu: Cpu) -> Mapping[str, np.ndarray]:
        return _table(p, None)


def _table(p: DepthwiseConv2DParams, shifted: OneShift | None) -> Mapping[str, np.ndarray]:
    per_channel = depthwise_channels(p)
    channels = blocks(p.input_shape[3], 4)
    times, quant = scaled(per_channel, shifted)
    weights = times * p.weights.reshape(-1, p.input_shape[3])
    w = weights[:, channels]  # (taps, records, 4)
    taps = np.stack([lanes(w[..., 0], w[..., 2]), lanes(w[..., 1], w[..., 3])], axis=-1)
    words = [
        (times * per_channel.bias)[channels],
        taps.transpose(1, 0, 2).reshape(len(channels), -1),
        quant[channels].reshape(len(channels), -1),
    ]
    return {
        "packed": frozen_array(np.concatenate(words, axis=1).astype(np.int32)),
        "one_shift": frozen_array(np.array([shifted is not None], np.int8)),
    }


def depthwise_channels(p: DepthwiseConv2DParams) -> Channels | None:
    """What a table says of the channels."""
    reach = max(abs(-128 + p.input_offset), abs(127 + p.input_offset))
    return channels_of(p, np.moveaxis(p.weights, 3, 0), p.bias, reach)


def depthwise_one_shift(p: DepthwiseConv2DParams, finer: range = range(1, 8)) -> OneShift | None:
    """Requantization by one shift where results below the zero point are cut off, and there is one. Weights of int8
    have room for eight bits more."""
    if p.output_offset != -128:
        return None
    channels = depthwise_channels(p)
    ends = min(0, -128 + p.input_offset), max(0, 127 + p.input_offset)
    weights = np.moveaxis(p.weights, 3, 0).reshape(p.weights.shape[3], -1)
    return one_shift(channels, *(channels.bias + end for end in sums_between(weights, *ends)), finer)
