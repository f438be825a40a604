"""FULLY_CONNECTED by our own kernel for cores without the DSP extension."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from edgeq.ir import frozen_array
from edgeq.kernels import register
from edgeq.kernels.base import Kernel
from edgeq.kernels.lane_blocks import clipped_blocks, padded_length, wrap
from edgeq.kernels.narrow_quant import narrow_flag, quant_words
from edgeq.kernels.packing import Channels, blocks, channels_of, fold_offset, int8_words
from edgeq.ops.fully_connected import FullyConnectedParams
from edgeq.target import Cpu

# Inputs between two moves of 16-bit sums to wider ones.
_BLOCK = 8


@register
class FullyConnectedLanesS8(Kernel):
    """Four units and more: the weights of two units in one word, see `edgeq.kernels.lane_blocks`.

    `packed` holds one record per four units (a b c d): what the sums of a and c begin with, then those of b and d; for
    every input a word of the bytes of a, b, c and d, 128 added; the exceptions of a and c, then of b and d: their
    number, for each one its input and a word of two weights, in lanes; the requantization of a, b, c and d. `narrow`,
    one number, says which kind that is.
    """

    name = "edgeq_fully_connected_lanes_s8"
    ops = ("FULLY_CONNECTED",)
    template = "fully_connected_lanes.c.j2"
    tuned = True
    code_bytes = 716

    def supports(self, p: FullyConnectedParams, cpu: Cpu) -> bool:
        return not cpu.dsp and not p.single_rounding and p.units >= 4 and _channels(p) is not None

    def cost(self, p: FullyConnectedParams, cpu: Cpu) -> int:
        per_block, per_record = (94, 200) if cpu.arch == "armv6-m" else (55, 120)
        steps = padded_length(p.depth) // _BLOCK
        return 100 + p.batches * (40 * steps + -(-p.units // 4) * (per_block * steps + per_record))

    def scratch_bytes(self, p: FullyConnectedParams, cpu: Cpu) -> int:
        """A word per block, and the inputs where they are no whole blocks."""
        length = padded_length(p.depth)
        return length // _BLOCK * 4 + (length if length != p.depth else 0)

    def extras(self, p: FullyConnectedParams, cpu: Cpu) -> Mapping[str, np.ndarray]:
        per_channel = _channels(p)
        kept, rest = clipped_blocks(p.weights, _BLOCK)
        quant = quant_words(per_channel, p.weights, (p.activation_min, p.activation_max), cpu)
        steps = kept.shape[1] // _BLOCK
        words = []
        for units in blocks(p.units, 4):
            pairs = [units[[0, 2]], units[[1, 3]]]
            apart = [np.flatnonzero(rest[pair].any(axis=0)) for pair in pairs]
            for pair, where in zip(pairs, apart, strict=True):
                low, high = per_channel.bias[pair]
                words.append([low - (steps + len(where) << 15) + (high << 16), high])
            words.append(int8_words((kept[units].T + 128).astype(np.uint8).view(np.int8)).ravel())
            for pair, where in zip(pairs, apart, strict=True):
                low, high = rest[pair][:, where].astype(np.int64)
                words += [[len(where)], np.stack([where, low + (high << 16)], axis=1).ravel()]
            words.append(quant[units].ravel())
        return {"packed": frozen_array(wrap(np.concatenate(words))), "narrow": narrow_flag(cpu)}


def _channels(p: FullyConnectedParams) -> Channels | None:
    return channels_of(p, p.weights, fold_offset(p.weights, p.bias, p.input_offset), 128)
