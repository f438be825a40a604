"""DEPTHWISE_CONV_2D of 3x3 windows, in place, by our own kernel for cores with the DSP extension."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from edgeq.ir import frozen_array
from edgeq.kernels import register
from edgeq.kernels.base import Kernel
from edgeq.kernels.depthwise_conv_2d_dsp import depthwise_channels, depthwise_one_shift
from edgeq.kernels.one_shift import OneShift, scaled
from edgeq.kernels.packing import blocks, lanes
from edgeq.ops.depthwise_conv_2d import DepthwiseConv2DParams
from edgeq.target import Cpu


@register
class DepthwiseConv3x3DspS8(Kernel):
    """Four channels and more with one 3x3 filter each, results of the input's size.

    `packed` holds one record per four channels, and of each channel the bias; the requantization; of rows 0, 1, 2, 0
    and 1 of its filter the weights 0 and 1 in the lanes of a word, and 1 and 2 in those of another. Bias and weights
    are doubled, or multiplied by what `one_shift.OneShift` of the channel wants; `one_shift`, one number: 1 where it
    does. `by_columns`, one number: 1 where the filters are transposed, for an image that is taken column by column.
    """

    name = "edgeq_depthwise_conv_3x3_dsp_s8"
    ops = ("DEPTHWISE_CONV_2D",)
    template = "depthwise_conv_2d_3x3_dsp.c.j2"
    tuned = True
    code_bytes = 1178
    in_place = True

    def supports(self, p: DepthwiseConv2DParams, cpu: Cpu) -> bool:
        return (
            cpu.dsp
            and not cpu.mve
            and p.depth_multiplier == 1
            and p.input_shape[3] >= 4
            and p.kernel == (3, 3)
            and p.stride == p.dilation == p.pad == (1, 1)
            and p.output_shape == p.input_shape
            and depthwise_channels(p) is not None
        )

    def cost(self, p: DepthwiseConv2DParams, cpu: Cpu) -> int:
        return min(_cost(p, by_columns) for by_columns in (False, True))

    def scratch_bytes(self, p: DepthwiseConv2DParams, cpu: Cpu) -> int:
        """Three lines of four channels, two pixels to a word."""
        length = p.input_shape[1] if _by_columns(p) else p.input_shape[2]
        return 48 * ((length + 1) // 2 + 1)

    def extras(self, p: DepthwiseConv2DParams, cpu: Cpu) -> Mapping[str, np.ndarray]:
        return _table(p, depthwise_one_shift(p))

    def small_extras(self, p: DepthwiseConv2DParams, cpu: Cpu) -> Mapping[str, np.ndarray]:
        return _table(p, None)


def _table(p: DepthwiseConv2DParams, shifted: OneShift | None) -> Mapping[str, np.ndarray]:
    per_channel = depthwise_channels(p)
    times, quant = scaled(per_channel, shifted)
    weights = times * p.weights[0]
    if _by_columns(p):
        weights = weights.swapaxes(0, 1)
    rows = np.stack([lanes(weights[:, 0], weights[:, 1]), lanes(weights[:, 1], weights[:, 2])], axis=1)
    words = [
        (times * per_channel.bias)[:, np.newaxis],
        quant,
        rows[[0, 1, 2, 0, 1]].reshape(-1, rows.shape[-1]).T,
    ]
    records = np.concatenate(words, axis=1)[blocks(p.input_shape[3], 4)]
    return {
        "packed": frozen_array(records.reshape(len(records), -1).astype(np.int32)),
        "by_columns": frozen_array(np.array([_by_columns(p)], np.int8)),
        "one_shift": frozen_array(np.array([shifted is not None], np.int8)),
    }


def _by_columns(p: DepthwiseConv2DParams) -> bool:
    return _cost(p, True) < _cost(p, False)


def _cost(p: DepthwiseConv2DParams, by_columns: bool) -> int:
    """Instructions where lines are columns, or rows; results by one shift."""
    n, height, width, channels = p.input_shape
    lines, length = (width, height) if by_columns else (height, width)
    line = 140 + 17 * (length // 2) + 4 * (28 + 26 * (length // 2) + 33 * (length % 2))
    return n * -(-channels // 4) * (80 + 9 * length + lines * line)
