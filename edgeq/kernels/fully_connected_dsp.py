"""FULLY_CONNECTED by our own kernel for cores with the DSP extension."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from edgeq.ir import frozen_array
from edgeq.kernels import register
from edgeq.kernels.base import Kernel
from edgeq.kernels.packing import Channels, blocks, channels_of, fold_offset, int8_words, padded_rows
from edgeq.ops.fully_connected import FullyConnectedParams
from edgeq.target import Cpu


@register
class FullyConnectedDspS8(Kernel):
    """Four inputs and four units and more.

    `packed` holds one record per four units: their biases with the input's offset folded in; for every four inputs a
    word of four weights of each unit; the requantization of each. A depth that is no multiple of four ends with the
    last four weights, those that came before set to 0.
    """

    name = "edgeq_fully_connected_dsp_s8"
    ops = ("FULLY_CONNECTED",)
    template = "fully_connected_dsp.c.j2"
    tuned = True

    def supports(self, p: FullyConnectedParams, cpu: Cpu) -> bool:
        return (
            cpu.dsp
            and not cpu.mve
            and not p.single_rounding
            and p.depth >= 4
            and p.units >= 4
            and _channels(p) is not None
        )

    def cost(self, p: FullyConnectedParams, cpu: Cpu) -> int:
        return 60 + p.batches * -(-p.units // 4) * (22 * -(-p.depth // 4) + 70)

    def extras(self, p: FullyConnectedParams, cpu: Cpu) -> Mapping[str, np.ndarray]:
        units = blocks(p.units, 4)
        per_channel = _channels(p)
        rows = int8_words(padded_rows(p.weights))
        words = [
            per_channel.bias[units],
            np.moveaxis(rows[units], 1, -1).reshape(len(units), -1),
            per_channel.quant[units].reshape(len(units), -1),
        ]
        return {"packed": frozen_array(np.concatenate(words, axis=1).astype(np.int32))}


def _channels(p: FullyConnectedParams) -> Channels | None:
    return channels_of(p, p.weights, fold_offset(p.weights, p.bias, p.input_offset), 128)
