"""FULLY_CONNECTED with ternary and binary weights by our own kernels for cores with the vector extension."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from edgeq.ir import DType, frozen_array
from edgeq.kernels import register
from edgeq.kernels.base import Kernel
from edgeq.kernels.packing import (
    VectorChannels,
    either_vector_channels_of,
    fold_offset,
    int8_words,
    joint_sums,
    joint_weights,
    joint_weights_fit,
    padded_steps,
)
from edgeq.ops.fully_connected import FullyConnectedParams
from edgeq.program import Overlap
from edgeq.target import Cpu

_UNITS = 8
_FEW = 4
# Units with even numbers and with odd ones finish in a vector each.
_LANES = [0, 2, 4, 6, 1, 3, 5, 7]


class _EightUnits(Kernel):
    """Any number of inputs and units.

    `packed` begins with a number, 1 where there are shifts to the left, else 0. It holds one record per eight units;
    those of the last one are filled up with the last unit, but where it has four or fewer it has no weights of others.
    Weights stand in vectors of sixteen inputs, the last inputs before all others. Multipliers and shifts, shifts to the
    left before them, are of units 0, 2, 4, 6, 1, 3, 5, 7.
    """

    per_step: ClassVar[tuple[int, int]]  # instructions of a record of four units and of eight
    per_record: ClassVar[int]
    reach: ClassVar[int] = 128  # the largest magnitude of an input
    ops = ("FULLY_CONNECTED",)
    template = "fully_connected_mve.c.j2"

    def supports(self, p: FullyConnectedParams, cpu: Cpu) -> bool:
        return cpu.mve and not p.single_rounding and self._channels(p) is not None

    def _channels(self, p: FullyConnectedParams) -> VectorChannels | None:
        bias = fold_offset(p.weights, p.bias, p.input_offset)
        return either_vector_channels_of(p, p.weights, bias, self.reach)

    def cost(self, p: FullyConnectedParams, cpu: Cpu) -> int:
        steps = -(-p.depth // 16)
        records, rest = divmod(p.units, _UNITS)
        quant = self.per_record + (10 if self._channels(p).has_left else 0)
        few, many = ((used * steps + quant) for used in self.per_step)
        return 60 + p.batches * (35 + records * many + (0 if rest == 0 else few if rest <= _FEW else many))

    def extras(self, p: FullyConnectedParams, cpu: Cpu) -> Mapping[str, np.ndarray]:
        channels = self._channels(p)
        units = np.minimum(np.arange(-(-p.units // _UNITS) * _UNITS), p.units - 1).reshape(-1, _UNITS)
        whole = len(units) - (0 < p.units % _UNITS <= _FEW)
        parts = [(units[:whole], _UNITS), (units[whole:], _FEW)]
        records = [self._records(p, channels, some, used) for some, used in parts if len(some)]
        return {"packed": frozen_array(np.concatenate([[channels.has_left], *records]).astype(np.int32))}

    def _records(self, p: FullyConnectedParams, channels: VectorChannels, units: np.ndarray, used: int) -> np.ndarray:
        steps = np.roll(padded_steps(p.weights).reshape(p.units, -1, 16), 1, axis=1)
        # (records, steps, units, inputs)
        words = self.sum_words(channels.bias[units], np.moveaxis(steps[units[:, :used]], 1, 2))
        return np.concatenate([*words, channels.words(units[:, _LANES])[1]], axis=1).ravel()

    def sum_words(self, bias: np.ndarray, steps: np.ndarray) -> list[np.ndarray]:
        """Biases and weights of records, integers (records, …)."""
        raise NotImplementedError


@register
class FullyConnectedTernaryMveS8(_EightUnits):
    """Biases first; four units share the bytes of the table (`joint_weights`)."""

    name = "edgeq_fully_connected_ternary_mve_s8"
    weight_types = (DType.TERNARY.value,)
    per_step = 10, 18
    per_record = 42

    def supports(self, p: FullyConnectedParams, cpu: Cpu) -> bool:
        if not super().supports(p, cpu):
            return False
        return joint_weights_fit(np.zeros((1, 1, 4, 16)), 2, self._channels(p).bound(p.weights, self.reach))

    def sum_words(self, bias: np.ndarray, steps: np.ndarray) -> list[np.ndarray]:
        fours = np.split(steps, steps.shape[2] // 4, axis=2)
        shared = np.concatenate([joint_weights(four, 2) for four in fours], axis=2)
        bias = joint_sums(bias.reshape(-1, 2, 4), 2).reshape(-1, _UNITS)
        return [bias, int8_words(shared.astype(np.int8)).reshape(len(steps), -1)]


@register
class FullyConnectedBinaryMveS8(_EightUnits):
    """Weights first: bit i of a byte is set where unit i has -1. The biases' order is that of multipliers."""

    name = "edgeq_fully_connected_binary_mve_s8"
    weight_types = (DType.BINARY.value,)
    per_step = 13, 19
    per_record = 51

    def sum_words(self, bias: np.ndarray, steps: np.ndarray) -> list[np.ndarray]:
        bits = np.packbits(steps < 0, axis=2, bitorder="little").view(np.int8)
        return [int8_words(bits).reshape(len(steps), -1), bias[:, _LANES]]


@register
class BinaryFullyConnectedMveS8(FullyConnectedBinaryMveS8):
    """Signs by signs: a row of inputs becomes -1 and 1 before."""

    name = "edgeq_binary_fully_connected_mve_s8"
    ops = ("BINARY_FULLY_CONNECTED",)
    template = "binary_fully_connected_mve.c.j2"
    reach = 1

    def cost(self, p: FullyConnectedParams, cpu: Cpu) -> int:
        return super().cost(p, cpu) + p.batches * (20 + 5 * -(-p.depth // 16))

    def scratch_bytes(self, p: FullyConnectedParams, cpu: Cpu) -> int:
        """A row of inputs."""
        return p.depth

    def overlap(self, p: FullyConnectedParams, cpu: Cpu) -> Overlap:
        return Overlap(in_place=True, forwards=0) if p.batches == 1 else Overlap()
