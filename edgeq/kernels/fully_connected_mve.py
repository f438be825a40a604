"""FULLY_CONNECTED by our own kernel for cores with the vector extension."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from edgeq.ir import frozen_array
from edgeq.kernels import register
from edgeq.kernels.base import Kernel
from edgeq.kernels.packing import VectorChannels, fold_offset, int8_words, padded_steps, vector_channels_of
from edgeq.ops.fully_connected import FullyConnectedParams
from edgeq.target import Cpu

_UNITS = 4


@register
class FullyConnectedMveS8(Kernel):
    """Any number of inputs and units.

    `packed` holds one record per four units: their biases with the input's offset folded in; for every sixteen inputs
    the weights of each unit; their multipliers; their shifts. Weights of the last step are filled up with zeros,
    units of the last record with the last one.
    """

    name = "edgeq_fully_connected_mve_s8"
    ops = ("FULLY_CONNECTED",)
    template = "fully_connected_mve.c.j2"
    tuned = True
    code_bytes = 518

    def supports(self, p: FullyConnectedParams, cpu: Cpu) -> bool:
        return cpu.mve and not p.single_rounding and _channels(p) is not None

    def cost(self, p: FullyConnectedParams, cpu: Cpu) -> int:
        return 60 + p.batches * -(-p.units // _UNITS) * (10 * -(-p.depth // 16) + 32)

    def extras(self, p: FullyConnectedParams, cpu: Cpu) -> Mapping[str, np.ndarray]:
        tiles = np.minimum(np.arange(-(-p.units // _UNITS) * _UNITS), p.units - 1).reshape(-1, _UNITS)
        steps = int8_words(padded_steps(p.weights)).reshape(p.units, -1, 4)  # words of sixteen weights
        bias, quant = _channels(p).words(tiles)
        words = [bias, np.moveaxis(steps[tiles], 1, 2).reshape(len(tiles), -1), quant]
        return {"packed": frozen_array(np.concatenate(words, axis=1).astype(np.int32))}


def _channels(p: FullyConnectedParams) -> VectorChannels | None:
    return vector_channels_of(p, p.weights, fold_offset(p.weights, p.bias, p.input_offset), 128)
