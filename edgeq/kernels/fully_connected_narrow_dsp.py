"""FULLY_CONNECTED with ternary and binary weights by our own kernels for cores with the DSP extension."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from edgeq.ir import frozen_array
from edgeq.kernels import register
from edgeq.kernels.base import Kernel
from edgeq.kernels.narrow_steps import BINARY, TERNARY, Narrow
from edgeq.kernels.packing import Channels, blocks, either_channels_of, fold_offset, wrap_int32
from edgeq.kernels.two_words import paired_quant
from edgeq.ops.fully_connected import FullyConnectedParams
from edgeq.target import Cpu

# Inputs that are taken together, and their steps.
_EIGHT, _STEPS = 8, 4
# Parts of the inputs, after each of which sums are taken down.
_PIECES = 64


class _FullyConnected(Kernel):
    """Layers of as many inputs as so many pieces hold in any case: 3584 of ternary weights, 7680 of binary ones.

    `packed` begins with the number of inputs, a multiple of eight, after which sums have to be taken down. Where none
    has to, it is 0 if requantization is that of `two_words`, else -1. It holds one record per four units a, b, c, d:
    for every eight inputs, 0 and 2, 1 and 3, 4 and 6, 5 and 7, the four steps of (a, b) and the four of (c, d), in one
    word or two (`narrow_steps`). Then come two words for each unit (`paired_quant`); or the units' biases with the
    input's offset folded in, doubled, and the three words of each (`packing.either_channels_of`). A depth that is no
    multiple of eight ends with the last eight inputs, those that came before being 0; below eight, zeros follow.
    """

    ops = ("FULLY_CONNECTED",)
    template = "fully_connected_dsp.c.j2"
    narrow: ClassVar[Narrow]

    def supports(self, p: FullyConnectedParams, cpu: Cpu) -> bool:
        fits = cpu.dsp and not cpu.mve and not p.single_rounding
        return fits and fits_dense_table(p, p.weights, self.narrow)

    def cost(self, p: FullyConnectedParams, cpu: Cpu) -> int:
        return 50 + p.batches * dense_row_cost(p.units, p.depth)

    def extras(self, p: FullyConnectedParams, cpu: Cpu) -> Mapping[str, np.ndarray]:
        return {"packed": dense_table(p, p.weights, self.narrow)}


@register
class FullyConnectedTernaryDspS8(_FullyConnected):
    name = "edgeq_fully_connected_ternary_dsp_s8"
    weight_types = (TERNARY.weight_type,)
    narrow = TERNARY


@register
class FullyConnectedBinaryDspS8(_FullyConnected):
    name = "edgeq_fully_connected_binary_dsp_s8"
    weight_types = (BINARY.weight_type,)
    narrow = BINARY


def fits_dense_table(p: Any, weights: np.ndarray, narrow: Narrow) -> bool:
    """Whether `dense_table` can be made. Arguments as there."""
    # so many inputs at the end of their range, and then eight more, fill the bits of a sum
    piece = (1 << narrow.low_bits - 1) // 128 - _EIGHT
    return weights.shape[1] <= _PIECES * piece and _channels(p, weights) is not None


def dense_row_cost(units: int, depth: int) -> int:
    """Instructions of the units of one row of inputs."""
    eights = -(-depth // _EIGHT)
    return 45 + 4 * eights + -(-units // 4) * (25 * eights + 20 * (depth // 64) + 30)


def dense_table(p: Any, weights: np.ndarray, narrow: Narrow) -> np.ndarray:
    """`packed` of the kernel, int32.

    Args:
        p: parameters with multipliers, shifts, bias, input_offset and output_offset. weights: int8 (units, depth).
    """
    units = blocks(len(weights), 4)
    steps = _steps(weights)
    first, second = steps[units[:, [0, 2]]], steps[units[:, [1, 3]]]
    taken = min(narrow.taken_down(*(each.reshape(-1, *steps.shape[1:]) for each in (first, second)), unit=_STEPS))
    bias = fold_offset(weights, p.bias, p.input_offset)
    at_once = taken >= steps.shape[1]
    quant = paired_quant(p, weights, bias, units.reshape(-1, 2), narrow.shifts) if at_once else None
    if quant is not None:
        head = 0
        quant = quant.reshape(len(units), -1)
    else:
        channels, _ = _channels(p, weights)
        head = -1 if at_once else 2 * taken
        quant = np.concatenate([2 * channels.bias[units], channels.quant[units].reshape(len(units), -1)], axis=1)
    # eight inputs of (a, b), then the same of (c, d)
    a, b = (each.reshape(len(units), 2, -1, _STEPS, 2).swapaxes(1, 2) for each in (first, second))
    a, b = (each.reshape(len(units), -1, 2) for each in (a, b))
    words = np.concatenate([narrow.words(a, b), quant], axis=1)
    return frozen_array(wrap_int32(np.append(head, words)))


def _channels(p: Any, weights: np.ndarray) -> tuple[Channels, bool] | None:
    return either_channels_of(p, weights, fold_offset(weights, p.bias, p.input_offset), 128)


def _steps(weights: np.ndarray) -> np.ndarray:
    """int8 (units, steps, 2) of weights (units, depth)."""
    depth = weights.shape[1]
    tail = depth % _EIGHT
    if depth < _EIGHT:
        weights = np.pad(weights, ((0, 0), (0, _EIGHT - tail)))
    elif tail:
        last = weights[:, -_EIGHT:].copy()
        last[:, : _EIGHT - tail] = 0
        weights = np.concatenate([weights[:, :-tail], last], axis=1)
    return weights.reshape(len(weights), -1, 2, 2).swapaxes(2, 3).reshape(len(weights), -1, 2)
