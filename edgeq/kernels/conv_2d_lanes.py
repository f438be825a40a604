"""CONV_2D by our own kernel for cores without the DSP extension."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from edgeq.ir import frozen_array
from edgeq.kernels import register
from edgeq.kernels.base import Kernel
from edgeq.kernels.lane_blocks import MAX_LENGTH, exception_words, lane_blocks, padded_length, stream_words, wrap
from edgeq.kernels.narrow_quant import narrow_flag, quant_words
from edgeq.kernels.packing import Channels, blocks, channels_of, fold_offset
from edgeq.kernels.short_quant import short_quant
from edgeq.kernels.walking import backwards_distance, forwards_distance
from edgeq.ops.conv_2d import Conv2DParams
from edgeq.ops.spatial import hangs_over
from edgeq.program import Overlap
from edgeq.target import Cpu

# Pixels that are computed together.
_PIXELS = 2


@register
class ConvolveLanesS8(Kernel):
    """No groups, two output channels and more.

    `packed` holds one record per two output channels (a, b), with the input's offset folded into the biases: what the
    sums of a, then of b begin with (`LaneBlocks.first_words`); for every four weights a word of a and one of b; the
    exceptions of a, then of b; the requantization of a and of b. `narrow` and `short`, one number each, say which kind
    that is: of `narrow_quant` or `short_quant`.
    """

    name = "edgeq_convolve_lanes_s8"
    ops = ("CONV_2D",)
    template = "conv_2d_lanes.c.j2"
    tuned = True
    code_bytes = 2820

    def supports(self, p: Conv2DParams, cpu: Cpu) -> bool:
        out_c, *window = p.weights.shape
        return (
            not cpu.dsp
            and p.groups == 1
            and out_c >= 2
            and int(np.prod(window)) <= MAX_LENGTH
            and _channels(p) is not None
        )

    def cost(self, p: Conv2DParams, cpu: Cpu) -> int:
        out_c, *window = p.weights.shape
        length = padded_length(int(np.prod(window)))
        is_small = cpu.arch == "armv6-m"
        # results of a ReLU have short words nearly always; rows of whole fours go into the stream by fours
        is_short, is_whole = p.activation_min >= p.output_offset, window[1] * window[2] % 4 == 0
        per_record = (95 if is_short else 170) if is_small else (33 if is_short else 75)
        per_input = (8 if is_whole else 24) if is_small else (5 if is_whole else 14)
        per_block, per_pair = (35, 150) if is_small else (23, 110)
        n, out_h, out_w, _ = p.output_shape
        pairs = -(-n * out_h * out_w // 2)
        return pairs * (-(-out_c // 2) * (length // 4 * per_block + per_record) + per_input * length + per_pair)

    def scratch_bytes(self, p: Conv2DParams, cpu: Cpu) -> int:
        """The stream of two windows, and the windows where any has to be copied first."""
        length = int(np.prod(p.weights.shape[1:]))
        copies = 2 * padded_length(length) if hangs_over(p) or _has_gaps(p) else 0
        return 4 * stream_words(length) + copies

    def overlap(self, p: Conv2DParams, cpu: Cpu) -> Overlap:
        walk = p.input_shape, p.output_shape, p.kernel, p.stride, p.dilation, p.pad
        return Overlap(
            forwards=forwards_distance(*walk, tile=_PIXELS), backwards=backwards_distance(*walk, tile=_PIXELS)
        )

    def extras(self, p: Conv2DParams, cpu: Cpu) -> Mapping[str, np.ndarray]:
        per_channel = _channels(p)
        weights = lane_blocks(p.weights.reshape(p.weights.shape[0], -1))
        limits = p.activation_min, p.activation_max
        short = short_quant(per_channel, p.weights, limits, cpu)
        quant = short.words if short else quant_words(per_channel, p.weights, limits, cpu)
        first = weights.first_words(short.bias if short else per_channel.bias)
        words = []
        for pair in blocks(p.weights.shape[0], 2):
            words += [first[pair].ravel(), weights.words[pair].T.ravel()]
            words.append(exception_words(tuple(weights.exceptions[channel] for channel in pair)))
            words.append(quant[pair].ravel())
        return {
            "packed": frozen_array(wrap(np.concatenate(words))),
            "narrow": narrow_flag(cpu),
            "short": frozen_array(np.array([short is not None], np.int8)),
        }


def _channels(p: Conv2DParams) -> Channels | None:
    return channels_of(p, p.weights, fold_offset(p.weights, p.bias, p.input_offset), 128)


def _has_gaps(p: Conv2DParams) -> bool:
    """Whether the columns of a window are no neighbours in the image."""
    return p.weights.shape[2] > 1 and p.dilation[1] > 1
