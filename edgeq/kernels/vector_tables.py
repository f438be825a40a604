"""The tables of kernels for the vector extension that sum up four channels at a time, of int8 and of narrow weights."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from edgeq.ir import DType, frozen_array
from edgeq.kernels.base import Kernel
from edgeq.kernels.packing import (
    VectorChannels,
    either_vector_channels_of,
    fold_offset,
    int8_words,
    joint_sums,
    joint_weights,
    joint_weights_fit,
    vector_channels_of,
)


class VectorTable(Kernel):
    """One record per four channels: biases, weights step by step, multipliers, shifts.

    Attributes:
        reach: the largest magnitude of an input.
    """

    reach: ClassVar[int] = 128

    def channels(self, p: Any) -> VectorChannels | None:
        """What the table says of the channels; None where it cannot."""
        return vector_channels_of(p, p.weights, fold_offset(p.weights, p.bias, p.input_offset), self.reach)

    def fits(self, p: Any, steps: np.ndarray) -> bool:
        """Whether the bytes of the table and the sums with them hold this layer, of which there are `channels`."""
        return True

    def packed(self, channels: VectorChannels, records: np.ndarray, steps: np.ndarray) -> np.ndarray:
        """int32 (records, words). records: the channels of each, (records, 4); steps: int8 (records, steps, 4, 16)."""
        bias, quant = channels.words(records)
        words = [self.bias_words(bias), self.weight_words(steps), quant]
        return frozen_array(np.concatenate(words, axis=1).astype(np.int32))

    def bias_words(self, bias: np.ndarray) -> np.ndarray:
        """int64 (records, 4) of as many biases."""
        return bias

    def weight_words(self, steps: np.ndarray) -> np.ndarray:
        """int32 (records, words)."""
        return int8_words(steps).reshape(len(steps), -1)


class JointTable(VectorTable):
    """The same of weights of fewer bits: channels share bytes, see `joint_weights`."""

    bits: ClassVar[int] = 4

    def fits(self, p: Any, steps: np.ndarray) -> bool:
        return joint_weights_fit(steps, self.bits, self.channels(p).bound(p.weights, self.reach))

    def bias_words(self, bias: np.ndarray) -> np.ndarray:
        return joint_sums(bias, self.bits)

    def weight_words(self, steps: np.ndarray) -> np.ndarray:
        return super().weight_words(joint_weights(steps, self.bits).astype(np.int8))


class TernaryTable(JointTable):
    """The same of ternary weights, and binary ones as such: four channels to a byte. Before the records there is a
    number: 1 where they have shifts to the left before the multipliers, else 0."""

    weight_types = (DType.TERNARY.value, DType.BINARY.value)
    bits = 2

    def channels(self, p: Any) -> VectorChannels | None:
        return either_vector_channels_of(p, p.weights, fold_offset(p.weights, p.bias, p.input_offset), self.reach)

    def packed(self, channels: VectorChannels, records: np.ndarray, steps: np.ndarray) -> np.ndarray:
        table = super().packed(channels, records, steps)
        return frozen_array(np.append(np.int32(channels.has_left), table))
