"""CONV_2D with ternary and binary weights by our own kernels for cores with the DSP extension."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from edgeq.ir import frozen_array
from edgeq.kernels import register
from edgeq.kernels.conv_2d_4x2_dsp import ByFour, by_four_cost, widened_order, widened_weights
from edgeq.kernels.narrow_steps import BINARY, TERNARY, Narrow
from edgeq.kernels.packing import Channels, blocks, either_channels_of, fold_offset, wrap_int32
from edgeq.kernels.two_words import paired_quant
from edgeq.ops.conv_2d import Conv2DParams
from edgeq.target import Cpu


class _Convolve(ByFour):
    """No groups, two output channels and more.

    `packed` begins with a number: 2 where requantization is that of `two_words` and no sum has to be taken down; else
    1 where all factors are below a half, 0 otherwise. Two numbers of steps follow, multiples of a word's, after which
    sums have to be taken down. It holds one record per two output channels (a, b): the words of the steps of
    `widened_order` (`narrow_steps`), in the first of them after as many as make whole words; two words for a and two
    for b (`paired_quant`), or their biases with the input's offset folded in, doubled, and three words each
    (`packing.either_channels_of`).
    """

    narrow: ClassVar[Narrow]

    def supports(self, p: Conv2DParams, cpu: Cpu) -> bool:
        return cpu.dsp and not cpu.mve and p.groups == 1 and p.weights.shape[0] >= 2 and fits_record_ends(p)

    def cost(self, p: Conv2DParams, cpu: Cpu) -> int:
        return by_four_cost(p, 10 * len(widened_order(p)) + 70) + copied_windows_cost(p)

    def extras(self, p: Conv2DParams, cpu: Cpu) -> Mapping[str, np.ndarray]:
        narrow, out_c = self.narrow, p.weights.shape[0]
        steps = widened_weights(p)
        steps = np.pad(steps, ((0, 0), (-steps.shape[1] % narrow.in_word, 0), (0, 0)))
        pairs = blocks(out_c, 2)
        a, b = steps[pairs[:, 0]], steps[pairs[:, 1]]
        chunk, segment = narrow.taken_down(a, b, narrow.in_word)
        kind, quant = record_ends(p, pairs, narrow, min(chunk, segment) >= steps.shape[1])
        words = np.concatenate([narrow.words(a, b), quant], axis=1)
        head = np.array([kind, chunk, segment])
        return {"packed": frozen_array(wrap_int32(np.concatenate([head, words.ravel()])))}


@register
class ConvolveTernaryDspS8(_Convolve):
    name = "edgeq_convolve_ternary_dsp_s8"
    weight_types = (TERNARY.weight_type,)
    narrow = TERNARY


@register
class ConvolveBinaryDspS8(_Convolve):
    name = "edgeq_convolve_binary_dsp_s8"
    weight_types = (BINARY.weight_type,)
    narrow = BINARY


def fits_record_ends(p: Conv2DParams) -> bool:
    """Whether `record_ends` can be made."""
    return _channels(p) is not None


def record_ends(p: Conv2DParams, pairs: np.ndarray, narrow: Narrow, at_once: bool) -> tuple[int, np.ndarray]:
    """What requantizes the channels of records, and words of it, int64 (records, 4 or 8).

    2: two words each, only where sums are `at_once` what they are, not taken down on the way. Else their biases with
    the input's offset folded in, doubled, and three words each: 1 where all factors are below a half, 0 otherwise.
    pairs: channels a and b, (records, 2).
    """
    bias = fold_offset(p.weights, p.bias, p.input_offset)
    quant = paired_quant(p, p.weights, bias, pairs, narrow.shifts) if at_once else None
    if quant is not None:
        return 2, quant.reshape(len(pairs), -1)
    channels, below = _channels(p)
    quant = channels.quant[pairs].reshape(len(pairs), -1)
    return int(below), np.concatenate([2 * channels.bias[pairs], quant], axis=1)


def copied_window_cost(p: Conv2DParams) -> int:
    """Instructions of `edgeq_copy_window`."""
    return 80 + p.kernel[0] * (18 + p.kernel[1] * p.input_shape[3])


def copied_windows_cost(p: Conv2DParams) -> int:
    """Of all windows that hang over an edge."""
    over = int(np.prod(p.output_shape[:3])) - p.output_shape[0] * _windows_inside(p)
    return over * copied_window_cost(p)


def _windows_inside(p: Conv2DParams) -> int:
    """How many windows of an image do not hang over an edge."""
    inside = 1
    for axis in range(2):
        starts = np.arange(p.output_shape[1 + axis]) * p.stride[axis] - p.pad[axis]
        ends = starts + (p.kernel[axis] - 1) * p.dilation[axis]
        inside *= int(np.count_nonzero((starts >= 0) & (ends < p.input_shape[1 + axis])))
    return inside


def _channels(p: Conv2DParams) -> tuple[Channels, bool] | None:
    return either_channels_of(p, p.weights, fold_offset(p.weights, p.bias, p.input_offset), 128)
