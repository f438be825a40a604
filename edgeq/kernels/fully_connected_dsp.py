"""FULLY_CONNECTED by our own kernel for cores with the DSP extension."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from edgeq.ir import frozen_array
from edgeq.kernels import register
from edgeq.kernels.base import Kernel
from edgeq.kernels.one_shift import BY_256, OneShift, one_shift
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
from edgeq.kernels.sums import sums_between
from edgeq.ops.fully_connected import FullyConnectedParams
from edgeq.target import Cpu


@register
class FullyConnectedDspS8(Kernel):
    """Four inputs and four units and more, weights and sums that `packing.joint_lanes` can say.

    `packed` holds one record per four units (a, b), (c, d): of each pair 256 times the second bias plus the first, and
    the first, with the input's offset folded in; for every four inputs of each pair a word of weights for inputs 0 and
    2 and one for 1 and 3, 256 b + a in each lane; the requantization of each unit. A depth that is no multiple of four
    ends with the last four weights, those that came before set to 0. `segment`, one number: after so many inputs the
    sums of b and d are taken down, which have 24 bits only. `one_shift`, one number: 1 where the requantization is
    that of `one_shift.OneShift` for 256 times a sum.
    """

    name = "edgeq_fully_connected_dsp_s8"
    ops = ("FULLY_CONNECTED",)
    template = "fully_connected_dsp.c.j2"
    tuned = True
    code_bytes = 536

    def supports(self, p: FullyConnectedParams, cpu: Cpu) -> bool:
        return (
            cpu.dsp
            and not cpu.mve
            and not p.single_rounding
            and p.depth >= 4
            and p.units >= 4
            and (channels := _channels(p)) is not None
            and _segment(p, channels) is not None
        )

    def cost(self, p: FullyConnectedParams, cpu: Cpu) -> int:
        return 60 + p.batches * -(-p.units // 4) * (18 * -(-p.depth // 4) + 70)

    def extras(self, p: FullyConnectedParams, cpu: Cpu) -> Mapping[str, np.ndarray]:
        return _table(p, _one_shift(p))

    def small_extras(self, p: FullyConnectedParams, cpu: Cpu) -> Mapping[str, np.ndarray]:
        return _table(p, None)


def _table(p: FullyConnectedParams, shifted: OneShift | None) -> Mapping[str, np.ndarray]:
    units = blocks(p.units, 4)
    per_channel = _channels(p)
    quant = per_channel.quant if shifted is None else shifted.quant
    bias = per_channel.bias[units].reshape(-1, 2, 2)  # (records, pairs, units)
    rows = padded_rows(p.weights)[units].reshape(*bias.shape, -1, 2, 2)  # … fours, (0 1), (2 3)
    rows = rows.swapaxes(-1, -2)  # … (0 2), (1 3)
    joint = joint_lanes(rows[:, :, 0], rows[:, :, 1])  # (records, pairs, fours, words)
    words = [
        np.stack([256 * bias[..., 1] + bias[..., 0], bias[..., 0]], axis=-1).reshape(len(units), -1),
        joint.swapaxes(1, 2).reshape(len(units), -1),
        quant[units].reshape(len(units), -1),
    ]
    return {
        "packed": frozen_array(wrap_int32(np.concatenate(words, axis=1))),
        "segment": frozen_array(np.array([_segment(p, per_channel)], np.int32)),
        "one_shift": frozen_array(np.array([shifted is not None], np.int8)),
    }


def _one_shift(p: FullyConnectedParams) -> OneShift | None:
    """Requantization by one shift where saturation to int8 is all that limits, and there is one."""
    if (p.output_offset, p.activation_min, p.activation_max) != (-128, -128, 127):
        return None
    channels = _channels(p)
    if _segment(p, channels) < p.depth:
        return None
    return one_shift(channels, *(channels.bias + end for end in sums_between(p.weights)), BY_256)


def _channels(p: FullyConnectedParams) -> Channels | None:
    """What a table says of the units, the input's offset folded into the biases."""
    return channels_of(p, p.weights, fold_offset(p.weights, p.bias, p.input_offset), 128)


def _segment(p: FullyConnectedParams, channels: Channels) -> int | None:
    """Into how many inputs, a multiple of 16, the depth is cut so that the sums of each part fit; None where none do.
    The last part takes what makes no four along."""
    pairs = blocks(p.units, 4).reshape(-1, 2)
    whole = p.depth - p.depth % 4
    inputs = -(-p.depth // 16) * 16
    while True:
        first = range(0, whole, inputs)
        ends = (*first[1:], p.depth)
        parts = zip(first, ends, strict=True)
        if all(joint_sums_fit(p.weights[:, a:b], channels.bias * (a == 0), pairs) for a, b in parts):
            return inputs
        if inputs == 16:
            return None
        inputs = -(-inputs // 32) * 16
