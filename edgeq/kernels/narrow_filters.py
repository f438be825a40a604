"""Depthwise convolutions with ternary and binary weights on cores with the DSP extension: what their kernels share."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from edgeq.ir import DType, frozen_array
from edgeq.kernels.base import Kernel
from edgeq.kernels.half_word_sums import HalfWordQuant, half_word_quant
from edgeq.kernels.packing import packed_signs
from edgeq.kernels.walking import WindowByWindow
from edgeq.ops.depthwise_conv_2d import DepthwiseConv2DParams
from edgeq.target import Cpu


class NarrowFilters(Kernel):
    """Four channels and more with one filter each."""

    ops = ("DEPTHWISE_CONV_2D",)
    template = "depthwise_conv_2d_narrow_dsp.c.j2"
    weight_types = (DType.TERNARY.value, DType.BINARY.value)

    def supports(self, p: DepthwiseConv2DParams, cpu: Cpu) -> bool:
        return cpu.dsp and not cpu.mve and p.depth_multiplier == 1 and p.input_shape[3] >= 4


class MaskedFilters(NarrowFilters, WindowByWindow):
    """Weights that become masks of bytes. They are packed tap by tap (`filters_table`)."""

    def supports(self, p: DepthwiseConv2DParams, cpu: Cpu) -> bool:
        return super().supports(p, cpu) and _masked_quant(p) is not None

    def extras(self, p: DepthwiseConv2DParams, cpu: Cpu) -> Mapping[str, np.ndarray]:
        return filters_table(p, p.weights, _masked_quant(p))


def _masked_quant(p: DepthwiseConv2DParams) -> HalfWordQuant | None:
    """Inverted bytes lack one each."""
    w = filters(p)
    return half_word_quant(p, w, (w < 0).sum(axis=(1, 2)))


def filters(p: DepthwiseConv2DParams) -> np.ndarray:
    """int8 (channels, rows, columns)."""
    return np.moveaxis(p.weights[0], 2, 0)


def filters_table(p: DepthwiseConv2DParams, ordered: np.ndarray, quant: HalfWordQuant) -> Mapping[str, np.ndarray]:
    """`packed`: the weights as int8, as `packing.packed_signs`; `quant`: the words of `half_word_sums`; `kind`: its
    middle, whether weights are binary, whether there are gaps.

    ordered: the weights in the order in which they are packed.
    """
    is_binary = p.weight_type == DType.BINARY.value
    return {
        "packed": frozen_array(packed_signs(ordered, 1 if is_binary else 2)),
        "quant": frozen_array(quant.words.astype(np.int32)),
        "kind": frozen_array(np.array([quant.middle, is_binary, quant.has_gaps], np.int32)),
    }
