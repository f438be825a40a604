"""CONV_2D of int16 by our own kernel for cores with the DSP extension."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from edgeq.ir import frozen_array
from edgeq.kernels import register
from edgeq.kernels.conv_2d_4x2_dsp import ByFour, by_four_cost, widened_order, widened_weights
from edgeq.kernels.packing import blocks, int8_words
from edgeq.kernels.wide_sums import quant_of, wide_channels_of
from edgeq.ops.conv_2d import Conv2DParams
from edgeq.target import Cpu


@register
class Convolve4x2DspS16(ByFour):
    """No groups, two output channels and more, sums of 32 bits.

    `packed` holds one record per two output channels (a, b): their biases; for every two inputs, in the order of
    `widened_order`, a word of weights a, b of the first and a, b of the second; the requantization of a and of b.
    `one_shift`, one number, says which kind that is: 1 where it is that of `WideChannels.at_once`.
    """

    name = "edgeq_convolve_4x2_dsp_s16"
    dtype = "int16"
    code_bytes = 2764

    def supports(self, p: Conv2DParams, cpu: Cpu) -> bool:
        fits = cpu.dsp and not cpu.mve and p.groups == 1 and p.weights.shape[0] >= 2
        return fits and wide_channels_of(p, p.weights) is not None

    def cost(self, p: Conv2DParams, cpu: Cpu) -> int:
        return by_four_cost(p, 55 * len(widened_order(p)) // 4 + 45)

    def extras(self, p: Conv2DParams, cpu: Cpu) -> Mapping[str, np.ndarray]:
        return _table(p, short=True)

    def small_extras(self, p: Conv2DParams, cpu: Cpu) -> Mapping[str, np.ndarray]:
        return _table(p, short=False)


def _table(p: Conv2DParams, *, short: bool) -> Mapping[str, np.ndarray]:
    out_c = p.weights.shape[0]
    channels = wide_channels_of(p, p.weights)
    quant, at_once = quant_of(channels, short=short)
    pairs = blocks(out_c, 2)
    weights = np.moveaxis(widened_weights(p)[pairs], 1, -1)  # (pairs, words, inputs, channels)
    words = [
        channels.bias[pairs],
        int8_words(weights.reshape(len(pairs), -1)),
        quant[pairs].reshape(len(pairs), -1),
    ]
    return {
        "packed": frozen_array(np.concatenate(words, axis=1).astype(np.int32)),
        "one_shift": frozen_array(np.array([at_once], np.int8)),
    }
