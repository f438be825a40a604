"""The tables of kernels for the vector extension that sum up four channels at a time, of int8 weights and of int4."""

from __future__ import annotations

import numpy as np

from edgeq.ir import frozen_array
from edgeq.kernels.base import Kernel
from edgeq.kernels.packing import VectorChannels, int8_words, joint_biases, joint_pairs


class VectorTable(Kernel):
    """One record per four channels: biases, weights step by step, multipliers, shifts."""

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
    """The same of int4 weights: two channels share bytes, see `joint_pairs`."""

    weight_types = ("int4",)

    def bias_words(self, bias: np.ndarray) -> np.ndarray:
        return joint_biases(bias)

    def weight_words(self, steps: np.ndarray) -> np.ndarray:
        return super().weight_words(joint_pairs(steps).astype(np.int8))
