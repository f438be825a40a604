"""FULLY_CONNECTED with ternary weights by our own kernel for cores with the DSP extension."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

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
from edgeq.kernels.two_words import paired_quant
from edgeq.ops.fully_connected import FullyConnectedParams
from edgeq.target import Cpu

# Inputs to a word of weights.
_EIGHT = 8
# Inputs that 64 pieces hold in any case.
_LARGEST = 3584


@register
class FullyConnectedTernaryDspS8(Kernel):
    """Layers of up to 3584 inputs.

    `packed` begins with the number of inputs, a multiple of eight, after which sums have to be taken down. Where none
    has to, it is 0 if requantization is that of `two_words`, else -1. It holds one record per four units a, b, c, d:
    for every eight inputs a word of each pair (`packing.ternary_steps`) with inputs 0 and 2, 1 and 3, 4 and 6, 5 and 7.
    Then come two words for each unit (`paired_quant`); or the units' biases with the input's offset folded in, doubled,
    and the three words of each (`packing.either_channels_of`). A depth that is no multiple of eight ends with the last
    eight weights, those that came before set to 0; below eight, zeros follow.
    """

    name = "edgeq_fully_connected_ternary_dsp_s8"
    ops = ("FULLY_CONNECTED",)
    template = "fully_connected_dsp.c.j2"
    weight_types = (DType.TERNARY.value,)

    def supports(self, p: FullyConnectedParams, cpu: Cpu) -> bool:
        return cpu.dsp and not cpu.mve and not p.single_rounding and fits_ternary_table(p, p.weights)

    def cost(self, p: FullyConnectedParams, cpu: Cpu) -> int:
        return 50 + p.batches * ternary_row_cost(p.units, p.depth)

    def extras(self, p: FullyConnectedParams, cpu: Cpu) -> Mapping[str, np.ndarray]:
        return {"packed": ternary_table(p, p.weights)}


def fits_ternary_table(p: Any, weights: np.ndarray) -> bool:
    """Whether `ternary_table` can be made. Arguments as there."""
    return weights.shape[1] <= _LARGEST and _channels(p, weights) is not None


def ternary_row_cost(units: int, depth: int) -> int:
    """Instructions of the units of one row of inputs."""
    eights = -(-depth // _EIGHT)
    return 45 + 10 * eights + -(-units // 4) * (25 * eights + 30)


def ternary_table(p: Any, weights: np.ndarray) -> np.ndarray:
    """`packed` of the kernel, int32.

    Args:
        p: parameters with multipliers, shifts, bias, input_offset and output_offset. weights: ternary int8
            (units, depth).
    """
    units = blocks(len(weights), 4)
    steps = _steps(weights)
    first, second = steps[units[:, [0, 2]]], steps[units[:, [1, 3]]]
    taken = min(steps_within(rows.reshape(-1, *steps.shape[1:]), bits) for rows, bits in ((first, 14), (second, 18)))
    bias = fold_offset(weights, p.bias, p.input_offset)
    at_once = taken >= steps.shape[1]
    quant = paired_quant(p, weights, bias, units.reshape(-1, 2)) if at_once else None
    if quant is not None:
        head = 0
        quant = quant.reshape(len(units), -1)
    else:
        channels, _ = _channels(p, weights)
        head = -1 if at_once else 2 * taken
        quant = np.concatenate([2 * channels.bias[units], channels.quant[units].reshape(len(units), -1)], axis=1)
    words = np.concatenate([ternary_steps(first, second).swapaxes(1, 2).reshape(len(units), -1), quant], axis=1)
    return frozen_array(wrap_int32(np.append(head, words)))


def _channels(p: Any, weights: np.ndarray) -> tuple[Channels, bool] | None:
    return either_channels_of(p, weights, fold_offset(weights, p.bias, p.input_offset), 128)


def _steps(weights: np.ndarray) -> np.ndarray:
    """int8 (units, steps, 2) of weights (units, depth)."""
    tail = weights.shape[1] % _EIGHT
    if weights.shape[1] < _EIGHT:
        weights = np.pad(weights, ((0, 0), (0, _EIGHT - tail)))
    elif tail:
        last = weights[:, -_EIGHT:].copy()
        last[:, : _EIGHT - tail] = 0
        weights = np.concatenate([weights[:, :-tail], last], axis=1)
    return weights.reshape(len(weights), -1, 2, 2).swapaxes(2, 3).reshape(len(weights), -1, 2)
