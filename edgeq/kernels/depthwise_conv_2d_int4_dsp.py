"""DEPTHWISE_CONV_2D with int4 weights by our own kernel for cores with the DSP extension: by the one for int8."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from edgeq.ir import frozen_array
from edgeq.kernels import register
from edgeq.kernels.depthwise_conv_2d_dsp import DepthwiseConvDspS8, depthwise_channels, depthwise_one_shift
from edgeq.kernels.int4_tables import FOUR, lanes_of_four
from edgeq.kernels.one_shift import OneShift, scaled
from edgeq.kernels.packing import blocks, wrap_int32
from edgeq.ops.depthwise_conv_2d import DepthwiseConv2DParams
from edgeq.target import Cpu

# What is finer about 4096 times a sum: a weight that lies highest in a lane is multiplied by that.
_BY_4096 = range(11, 12)


@register
class DepthwiseConvDspS4(DepthwiseConvDspS8):
    """Four channels and more with one filter each; any stride, padding and dilation. Each call unpacks the table.

    `packed` holds one record per four channels (0 1 2 3): their biases; for every two taps a word
    (`int4_tables.lanes_of_four`), the weights of the channels 1 and 3 and of 0 and 2 of the second, then those of the
    first; the requantization of each channel. Biases are doubled, or multiplied by 4096 where requantization is that of
    `one_shift.OneShift`; `one_shift`, one number: 1 where it is.
    """

    name = "edgeq_depthwise_conv_dsp_s4"
    template = "depthwise_conv_2d_dsp.c.j2"
    weight_types = ("int4",)
    code_bytes = 1746

    def cost(self, p: DepthwiseConv2DParams, cpu: Cpu) -> int:
        return super().cost(p, cpu) + _records(p) * (90 + 7 * int(np.prod(p.kernel)))

    def scratch_bytes(self, p: DepthwiseConv2DParams, cpu: Cpu) -> int:
        """A table of the kernel for int8."""
        return 4 * _records(p) * FOUR * (1 + 3) + 8 * _records(p) * int(np.prod(p.kernel))

    def extras(self, p: DepthwiseConv2DParams, cpu: Cpu) -> Mapping[str, np.ndarray]:
        return _table(p, depthwise_one_shift(p, _BY_4096))

    def small_extras(self, p: DepthwiseConv2DParams, cpu: Cpu) -> Mapping[str, np.ndarray]:
        return _table(p, None)


def _records(p: DepthwiseConv2DParams) -> int:
    return -(-p.input_shape[3] // FOUR)


def _table(p: DepthwiseConv2DParams, shifted: OneShift | None) -> Mapping[str, np.ndarray]:
    per_channel = depthwise_channels(p)
    channels = blocks(p.input_shape[3], FOUR)
    times, quant = scaled(per_channel, shifted)
    weights = p.weights.reshape(-1, p.input_shape[3])[:, channels]  # (taps, records, 4)
    weights = np.pad(weights, ((0, len(weights) % 2), (0, 0), (0, 0)))
    weights = weights.reshape(-1, 2, len(channels), 2, 2)  # (steps, taps, records, lanes, words)
    nibbles = weights.transpose(2, 1, 4, 0, 3).reshape(len(channels), FOUR, -1, 2)[:, ::-1]
    words = [
        (times * per_channel.bias)[channels],
        lanes_of_four(nibbles),
        quant[channels].reshape(len(channels), -1),
    ]
    return {
        "packed": frozen_array(wrap_int32(np.concatenate(words, axis=1))),
        "one_shift": frozen_array(np.array([shifted is not None], np.int8)),
    }
