"""CONV_2D of few channels with ternary and binary weights by our own kernels for cores with the DSP extension."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from edgeq.ir import frozen_array
from edgeq.kernels import register
from edgeq.kernels.conv_2d_dsp import ByTwo
from edgeq.kernels.conv_2d_narrow_dsp import copied_windows_cost, fits_record_ends, record_ends
from edgeq.kernels.narrow_steps import BINARY, TERNARY, Narrow
from edgeq.kernels.packing import blocks, wrap_int32
from edgeq.ops.conv_2d import Conv2DParams
from edgeq.target import Cpu


class _Convolve(ByTwo):
    """Rows of a window whose sums fit the bits that they share with others. Worth it where windows serve so few
    channels that widening them (`conv_2d_narrow_dsp`) does not pay.

    `packed` begins with a number: 0 where requantization is that of `two_words`, 1 where all factors are below a half,
    2 where any are not; 3, with any factors, where sums have to be taken down after each row. It holds one record per
    two output channels (a, b): of each row of the filter the words of its steps (`narrow_steps`), in the first of them
    after as many as make whole words; and what `conv_2d_narrow_dsp.record_ends` says. A row begins with the bytes that
    are more than fours, then come bytes 0 and 2, and 1 and 3, of every four.
    """

    per_four = 15
    per_tail = 60
    per_record = 100
    narrow: ClassVar[Narrow]

    def supports(self, p: Conv2DParams, cpu: Cpu) -> bool:
        return super().supports(p, cpu) and fits_record_ends(p) and self.narrow.fits(*self._pairs(p, rows=True))

    def cost(self, p: Conv2DParams, cpu: Cpu) -> int:
        return super().cost(p, cpu) + (0 if self.copies_all(p) else copied_windows_cost(p))

    def extras(self, p: Conv2DParams, cpu: Cpu) -> Mapping[str, np.ndarray]:
        a, b = self._pairs(p, rows=True)
        pairs = blocks(p.weights.shape[0], 2)
        at_once = self.narrow.fits(*self._pairs(p, rows=False))
        kind, quant = record_ends(p, pairs, self.narrow, at_once)
        words = self.narrow.words(*(_steps(each, self.narrow.in_word) for each in (a, b))).reshape(len(pairs), -1)
        head = 2 - kind if at_once else 3
        packed = np.append(head, np.concatenate([words, quant], axis=1))
        copied = np.array([self.copies_all(p)], np.int8)
        return {"packed": frozen_array(wrap_int32(packed)), "copied": frozen_array(copied)}

    def _pairs(self, p: Conv2DParams, rows: bool) -> list[np.ndarray]:
        """Weights of the channels a of all records and of b: of rows, int8 (records · rows, bytes), or of windows."""
        pairs = blocks(p.weights.shape[0], 2)
        weights = self.rows(p)
        return [weights[each].reshape(-1, weights.shape[2] * (1 if rows else weights.shape[1])) for each in pairs.T]


@register
class Convolve2x2TernaryDspS8(_Convolve):
    name = "edgeq_convolve_2x2_ternary_dsp_s8"
    weight_types = (TERNARY.weight_type,)
    narrow = TERNARY


@register
class Convolve2x2BinaryDspS8(_Convolve):
    name = "edgeq_convolve_2x2_binary_dsp_s8"
    weight_types = (BINARY.weight_type,)
    narrow = BINARY


def _steps(rows: np.ndarray, in_word: int) -> np.ndarray:
    """int8 (rows, steps, 2), whole words of steps, of rows (rows, bytes)."""
    tail = rows.shape[1] % 4
    if tail:
        first = np.pad(rows[:, :tail], ((0, 0), (0, 4 - tail)))
        rows = np.concatenate([first, rows[:, tail:]], axis=1)
    steps = rows.reshape(len(rows), -1, 2, 2).swapaxes(2, 3).reshape(len(rows), -1, 2)
    return np.pad(steps, ((0, 0), (-steps.shape[1] % in_word, 0), (0, 0)))
