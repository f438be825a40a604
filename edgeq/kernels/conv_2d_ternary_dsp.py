"""CONV_2D with ternary weights by our own kernel for cores with the DSP extension."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from edgeq.ir import DType, frozen_array
from edgeq.kernels import register
from edgeq.kernels.conv_2d_4x2_dsp import ByFour, by_four_cost, widened_order
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
from edgeq.ops.conv_2d import Conv2DParams
from edgeq.target import Cpu


@register
class ConvolveTernaryDspS8(ByFour):
    """No groups, two output channels and more.

    `packed` begins with a number: 2 where requantization is that of `two_words` and no sum has to be taken down; else
    1 where all factors are below a half, 0 otherwise. Two numbers of steps follow, multiples of four, after which sums
    have to be taken down. It holds one record per two output channels (a, b): for every four steps of `widened_order` a
    word (`packing.ternary_steps`); two words for a and two for b (`paired_quant`), or their biases with the input's
    offset folded in, doubled, and three words each (`packing.either_channels_of`).
    """

    name = "edgeq_convolve_ternary_dsp_s8"
    weight_types = (DType.TERNARY.value,)

    def supports(self, p: Conv2DParams, cpu: Cpu) -> bool:
        return cpu.dsp and not cpu.mve and p.groups == 1 and p.weights.shape[0] >= 2 and _channels(p) is not None

    def cost(self, p: Conv2DParams, cpu: Cpu) -> int:
        over = int(np.prod(p.output_shape[:3])) - p.output_shape[0] * _windows_inside(p)
        return by_four_cost(p, 10 * len(widened_order(p)) + 70) + over * copied_window_cost(p)

    def extras(self, p: Conv2DParams, cpu: Cpu) -> Mapping[str, np.ndarray]:
        out_c = p.weights.shape[0]
        # one more weight, of 0, for what the order leaves out
        flat = np.concatenate([p.weights.reshape(out_c, -1), np.zeros((out_c, 1), np.int8)], axis=1)
        steps = flat[:, widened_order(p)]
        pairs = blocks(out_c, 2)
        a, b = steps[pairs[:, 0]], steps[pairs[:, 1]]
        chunk = steps_within(a, 14)
        segment = steps_within(b, 18, chunk)
        bias = fold_offset(p.weights, p.bias, p.input_offset)
        at_once = min(chunk, segment) >= steps.shape[1]
        quant = paired_quant(p, p.weights, bias, pairs) if at_once else None
        if quant is not None:
            kind = 2
            words = [ternary_steps(a, b), quant.reshape(len(pairs), -1)]
        else:
            per_channel, kind = _channels(p)
            quant = per_channel.quant[pairs].reshape(len(pairs), -1)
            words = [ternary_steps(a, b), 2 * per_channel.bias[pairs], quant]
        head = np.array([kind, chunk, segment])
        return {"packed": frozen_array(wrap_int32(np.concatenate([head, np.concatenate(words, axis=1).ravel()])))}


def copied_window_cost(p: Conv2DParams) -> int:
    """Instructions of `edgeq_copy_window`."""
    return 80 + p.kernel[0] * (18 + p.kernel[1] * p.input_shape[3])


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
