"""DEPTHWISE_CONV_2D with windows of 3 by 3 by our own kernel for cores with the vector extension."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from edgeq.ir import frozen_array
from edgeq.kernels import register
from edgeq.kernels.base import Kernel
from edgeq.kernels.packing import VectorChannels, blocks, fold_offset, int8_words, vector_channels_of
from edgeq.kernels.walking import forwards_distance
from edgeq.ops.depthwise_conv_2d import DepthwiseConv2DParams
from edgeq.program import Overlap
from edgeq.target import Cpu

_TAPS = 9
_LANES = 16
# Sums of |weight| whose products with int8 stay in int16.
_FITS = 255
# The channels of sixteen in the order in which vectors of 32-bit sums hold them.
_VECTORS = np.array([range(first, _LANES, 4) for first in (0, 2, 1, 3)])


@register
class DepthwiseConv3x3MveS8(Kernel):
    """One filter per channel; any number of channels, stride, padding and dilation.

    `packed` holds one record per sixteen channels: for each tap their weights; for every fourth channel from 0, 2, 1
    and 3 on the biases with the input's offset folded in, the multipliers, the shifts. Fewer than sixteen channels are
    filled up with the last one, eight are repeated. The sum of two neighbouring taps' products has to fit int16, which
    it does but for some weights of -128.
    """

    name = "edgeq_depthwise_conv_3x3_mve_s8"
    ops = ("DEPTHWISE_CONV_2D",)
    template = "depthwise_conv_2d_3x3_mve.c.j2"
    tuned = True
    code_bytes = 2464

    def supports(self, p: DepthwiseConv2DParams, cpu: Cpu) -> bool:
        return (
            cpu.mve
            and p.kernel == (3, 3)
            and p.depth_multiplier == 1
            and _channels(p) is not None
            and _pairs_fit(p.weights.reshape(_TAPS, -1))
        )

    def cost(self, p: DepthwiseConv2DParams, cpu: Cpu) -> int:
        n, height, width, channels = p.output_shape
        if channels == _LANES // 2 and p.stride[1] == 1:
            pixel = 62  # half a vector
        elif channels < _LANES:
            pixel = 350
        else:
            pixel = -(-channels // _LANES) * 117 + (60 if channels % _LANES else 0) + 20
        return n * height * (width * pixel + 500) + 200

    def scratch_bytes(self, p: DepthwiseConv2DParams, cpu: Cpu) -> int:
        """A pixel of zero points."""
        return p.input_shape[3]

    def overlap(self, p: DepthwiseConv2DParams, cpu: Cpu) -> Overlap:
        walk = p.input_shape, p.output_shape, p.kernel, p.stride, p.dilation, p.pad
        return Overlap(forwards=forwards_distance(*walk, tile=2 if p.input_shape[3] == _LANES // 2 else 1))

    def extras(self, p: DepthwiseConv2DParams, cpu: Cpu) -> Mapping[str, np.ndarray]:
        count = p.input_shape[3]
        records = np.arange(_LANES)[np.newaxis] % count if count == _LANES // 2 else blocks(count, _LANES)
        weights = p.weights.reshape(_TAPS, count)
        taps = int8_words(weights[:, records])  # (taps, records, words)
        bias, quant = _channels(p).words(records[:, _VECTORS].reshape(-1, 4))
        words = [
            taps.transpose(1, 0, 2).reshape(len(records), -1),
            np.concatenate([bias, quant], axis=1).reshape(len(records), -1),
        ]
        packed = np.concatenate(words, axis=1).astype(np.int32)
        return {"packed": frozen_array(packed)}


def _pairs_fit(weights: np.ndarray) -> bool:
    """Whether products of any input and of two neighbouring weights add up in int16, where the kernel adds them.

    weights: int8 (9, channels).
    """
    size = np.abs(weights[:-1].astype(np.int64))
    return bool((size[::2] + size[1::2] <= _FITS).all())


def _channels(p: DepthwiseConv2DParams) -> VectorChannels | None:
    weights = np.moveaxis(p.weights, 3, 0)
    return vector_channels_of(p, weights, fold_offset(weights, p.bias, p.input_offset), 128)
