"""FULLY_CONNECTED of int16 by our own kernel for cores with the DSP extension."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from edgeq.ir import frozen_array
from edgeq.kernels import register
from edgeq.kernels.base import Kernel
from edgeq.kernels.packing import blocks, int8_words
from edgeq.kernels.wide_sums import quant_of, wide_channels_of
from edgeq.ops.fully_connected import FullyConnectedParams
from edgeq.target import Cpu


@register
class FullyConnectedDspS16(Kernel):
    """Four units and more, sums of 32 bits.

    `packed` holds one record per four units (a, b, c, d): their biases; for every two inputs a word of weights a, b of
    the first and a, b of the second, and one of c and d, where an odd depth leaves the second 0; the requantization of
    each unit. `one_shift`, one number, says which kind that is: 1 where it is that of `WideChannels.at_once`.
    """

    name = "edgeq_fully_connected_dsp_s16"
    ops = ("FULLY_CONNECTED",)
    template = "fully_connected_dsp.c.j2"
    dtype = "int16"
    code_bytes = 416

    def supports(self, p: FullyConnectedParams, cpu: Cpu) -> bool:
        fits = cpu.dsp and not cpu.mve and p.units >= 4
        return fits and wide_channels_of(p, p.weights) is not None

    def cost(self, p: FullyConnectedParams, cpu: Cpu) -> int:
        return 60 + p.batches * -(-p.units // 4) * (21 * -(-p.depth // 4) + 60)

    def extras(self, p: FullyConnectedParams, cpu: Cpu) -> Mapping[str, np.ndarray]:
        return _table(p, short=True)

    def small_extras(self, p: FullyConnectedParams, cpu: Cpu) -> Mapping[str, np.ndarray]:
        return _table(p, short=False)


def _table(p: FullyConnectedParams, *, short: bool) -> Mapping[str, np.ndarray]:
    units = blocks(p.units, 4)
    channels = wide_channels_of(p, p.weights)
    quant, at_once = quant_of(channels, short=short)
    rows = np.pad(p.weights, ((0, 0), (0, p.depth % 2)))[units]
    steps = rows.reshape(len(units), 2, 2, -1, 2)  # records, pairs of units, units, steps, inputs
    words = [
        channels.bias[units],
        int8_words(steps.transpose(0, 3, 1, 4, 2).reshape(len(units), -1)),
        quant[units].reshape(len(units), -1),
    ]
    return {
        "packed": frozen_array(np.concatenate(words, axis=1).astype(np.int32)),
        "one_shift": frozen_array(np.array([at_once], np.int8)),
    }
