"""Ternary and binary weights of two output channels in one word, for kernels with the DSP extension.

A step is two inputs of two channels (a, b). `edgeq_narrow_fields.h` says how a word holds steps, and how the sums of
both channels, 2^14 b + a, are told apart.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from edgeq.ir import DType
from edgeq.kernels.packing import steps_within
from edgeq.kernels.sums import sums_between

_BITS = np.uint32
# How far to the right a word is turned for each of its steps.
_TURNS = (0, 4, 8, 12, 1, 5, 9, 13)
# Of the sums of b.
_HIGH_BITS = 18


@dataclass(frozen=True)
class Narrow:
    """How weights of one type are held.

    Attributes:
        name: in names of kernels. weight_type: a DType's value.
        in_word: steps to a word. low_bits: of the sums of a.
        lane: of int8 a, b the bits of a step's lane: uint32.
    """

    name: str
    weight_type: str
    in_word: int
    low_bits: int
    lane: Callable[[np.ndarray, np.ndarray], np.ndarray]

    def words(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        """int32 words (..., steps / in_word).

        a, b: int8 (..., steps, 2), whole words of steps, 0 where there is no input or one that is 0.
        """
        lane = self.lane(a, b)
        fields = (lane[..., 0] | lane[..., 1] << 16).reshape(*a.shape[:-2], -1, self.in_word)
        words = np.zeros(fields.shape[:-1], _BITS)
        for step in range(self.in_word):
            turn = _TURNS[step]
            words |= fields[..., step] << turn | fields[..., step] >> (32 - turn) % 32
        return words.view(np.int32)

    def taken_down(self, a: np.ndarray, b: np.ndarray, unit: int) -> tuple[int, int]:
        """After how many steps, multiples of `unit`, sums of a and of b have to be taken down, so that they fit their
        bits. a, b: int8 (rows, steps, 2)."""
        chunk = steps_within(a, self.low_bits, unit)
        return chunk, steps_within(b, _HIGH_BITS, chunk)

    def fits(self, a: np.ndarray, b: np.ndarray) -> bool:
        """Whether all of a sum's products with int8 fit its bits. a, b: int8 (rows, …)."""
        for weights, bits in ((a, self.low_bits), (b, _HIGH_BITS)):
            lowest, highest = sums_between(weights)
            if lowest.min() < -(1 << bits - 1) or highest.max() >= 1 << bits - 1:
                return False
        return True

    @property
    def shifts(self) -> tuple[int, int]:
        """How far a sum of a and one of b are shifted to the left where two words requantize them."""
        return 32 - self.low_bits, 32 - _HIGH_BITS


def _ternary_lane(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """a + 1 and, in the highest two bits, b."""
    return (a + 1).astype(_BITS) | (b.astype(np.int32).view(_BITS) & 3) << 14


def _binary_lane(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """In the second bit whether a is 1, in the highest whether b is −1. What is no weight, 0, has no bits."""
    return (a > 0).astype(_BITS) << 1 | (b < 0).astype(_BITS) << 15


TERNARY = Narrow("ternary", DType.TERNARY.value, in_word=4, low_bits=14, lane=_ternary_lane)
BINARY = Narrow("binary", DType.BINARY.value, in_word=8, low_bits=15, lane=_binary_lane)
