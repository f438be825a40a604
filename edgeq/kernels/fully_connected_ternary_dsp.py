"""FULLY_CONNECTED with ternary weights by our own kernel for cores with the DSP extension."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from edgeq.ir import DType, frozen_array
from edgeq.kernels import register
from edgeq.kernels.base import Kernel
from edgeq.kernels.packing import (
    Channels,
    blocks,
    either_channels_of,
    fold_offset,
    steps_within,
    ternary_steps,
    wrap_int32,
)
from edgeq.ops.fully_connected import FullyConnectedParams
from edgeq.target import Cpu

# Inputs to a word of weights.
_EIGHT = 8


@register
class FullyConnectedTernaryDspS8(Kernel):
    """Eight inputs and four units and more.

    `packed` begins with 1 where all factors are below a half, else 0, and the number of inputs, a multiple of eight,
    after which sums have to be taken down. It holds one record per four units (a, b), (c, d): their biases with the
    input's offset folded in, doubled; for every eight inputs a word of each pair (`packing.ternary_steps`) with inputs
    0 and 2, 1 and 3, 4 and 6, 5 and 7; the requantization of each unit (`packing.either_channels_of`). A depth that is
    no multiple of eight ends with the last eight weights, those that came before set to 0.
    """

    name = "edgeq_fully_connected_ternary_dsp_s8"
    ops = ("FULLY_CONNECTED",)
    template = "fully_connected_dsp.c.j2"
    weight_types = (DType.TERNARY.value,)

    def supports(self, p: FullyConnectedParams, cpu: Cpu) -> bool:
        return (
            cpu.dsp
            and not cpu.mve
            and not p.single_rounding
            and p.depth >= _EIGHT
            and p.units >= 4
            and _channels(p) is not None
        )

    def cost(self, p: FullyConnectedParams, cpu: Cpu) -> int:
        return 60 + p.batches * -(-p.units // 4) * (32 * -(-p.depth // _EIGHT) + 110)

    def extras(self, p: FullyConnectedParams, cpu: Cpu) -> Mapping[str, np.ndarray]:
        units = blocks(p.units, 4)
        per_channel, all_right = _channels(p)
        steps = _steps(p.weights)
        first, second = steps[units[:, [0, 2]]], steps[units[:, [1, 3]]]
        # the sum of the first is that of its weights plus 1
        sizes = (first + 1).reshape(-1, *steps.shape[1:])
        chunk = min(steps_within(sizes, 14), steps_within(second.reshape(sizes.shape), 18))
        words = [
            2 * per_channel.bias[units],
            ternary_steps(first, second).swapaxes(1, 2).reshape(len(units), -1),
            per_channel.quant[units].reshape(len(units), -1),
        ]
        return {"packed": frozen_array(wrap_int32(np.append([all_right, 2 * chunk], np.concatenate(words, axis=1))))}


def _channels(p: FullyConnectedParams) -> tuple[Channels, bool] | None:
    return either_channels_of(p, p.weights, fold_offset(p.weights, p.bias, p.input_offset), 128)


def _steps(weights: np.ndarray) -> np.ndarray:
    """int8 (units, steps, 2) of weights (units, depth)."""
    tail = weights.shape[1] % _EIGHT
    if tail:
        last = weights[:, -_EIGHT:].copy()
        last[:, : _EIGHT - tail] = 0
        weights = np.concatenate([weights[:, :-tail], last], axis=1)
    return weights.reshape(len(weights), -1, 2, 2).swapaxes(2, 3).reshape(len(weights), -1, 2)
