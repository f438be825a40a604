"""FULLY_CONNECTED by our own kernel for cores with the DSP extension."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from edgeq.ir import frozen_array
from edgeq.kernels import register
from edgeq.kernels.base import Kernel
from edgeq.kernels.packing import (
    Channels,
    blocks,
    channels_of,
    fold_offset,
    joint_lanes,
    joint_sums_fit,
    padded_rows,
    wrap_int32,
)  # fmt: skip
from edgeq.ops.fully_connected import FullyConnectedParams
from edgeq.target import Cpu


@register
class FullyConnectedDspS8(Kernel):
    """Four inputs and four units and more, weights and sums that `packing.joint_lanes` can say.

    `packed` holds one record per four units (a, b), (c, d): of each pair 256 times the second bias plus the first, and
    the first, with the input's offset folded in; for every four inputs of each pair a word of weights for inputs 0 and
    2 and one for 1 and 3, 256 b + a in each lane; the requantization of each unit. A depth that is no multiple of four
    ends with the last four weights, those that came before set to 0.
    """

    name = "edgeq_fully_connected_dsp_s8"
    ops = ("FULLY_CONNECTED",)
    template = "fully_connected_dsp.c.j2"
    tuned = True
    code_bytes = 426

    def supports(self, p: FullyConnectedParams, cpu: Cpu) -> bool:
        return (
            cpu.dsp
            and not cpu.mve
            and not p.single_rounding
            and p.depth >= 4
            and p.units >= 4
            and (channels := _channels(p)) is not None
            and joint_sums_fit(p.weights, channels.bias, blocks(p.units, 4).reshape(-1, 2))
        )

    def cost(self, p: FullyConnectedParams, cpu: Cpu) -> int:
        return 60 + p.batches * -(-p.units // 4) * (18 * -(-p.depth // 4) + 70)

    def extras(self, p: FullyConnectedParams, cpu: Cpu) -> Mapping[str, np.ndarray]:
        units = blocks(p.units, 4)
        per_channel = _channels(p)
        bias = per_channel.bias[units].reshape(-1, 2, 2)  # (records, pairs, units)
        rows = padded_rows(p.weights)[units].reshape(*bias.shape, -1, 2, 2)  # … fours, (0 1), (2 3)
        rows = rows.swapaxes(-1, -2)  # … (0 2), (1 3)
        joint = joint_lanes(rows[:, :, 0], rows[:, :, 1])  # (records, pairs, fours, words)
        words = [
            np.stack([256 * bias[..., 1] + bias[..., 0], bias[..., 0]], axis=-1).reshape(len(units), -1),
            joint.swapaxes(1, 2).reshape(len(units), -1),
            per_channel.quant[units].reshape(len(units), -1),
        ]
        return {"packed": frozen_array(wrap_int32(np.concatenate(words, axis=1)))}


def _channels(p: FullyConnectedParams) -> Channels | None:
    """What a table says of the units, the input's offset folded into the biases."""
    return channels_of(p, p.weights, fold_offset(p.weights, p.bias, p.input_offset), 128)
