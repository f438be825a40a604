"""BINARY_FULLY_CONNECTED: a dense layer of two-valued inputs and weights of −1 and 1. TFLite has no such operator."""

from __future__ import annotations

from dataclasses import dataclass

from edgeq.ops import register
from edgeq.ops.binary_inputs import BinaryInputs, TwoLevels
from edgeq.ops.fully_connected import FullyConnected, FullyConnectedAttrs, FullyConnectedParams


@dataclass(frozen=True)
class BinaryFullyConnectedAttrs(FullyConnectedAttrs):
    levels: TwoLevels = TwoLevels()


@dataclass(frozen=True, eq=False)
class BinaryFullyConnectedParams(FullyConnectedParams):
    """As a dense layer's, of inputs that are −1 or 1: input_offset is 0 or 1. threshold: the least int8 that is 1."""

    threshold: int = 0


@register
class BinaryFullyConnected(BinaryInputs, FullyConnected):
    """out[b,o] = clamp(requantize(Σ w[o]·(s[b] + input_offset) + bias) + output_offset), s = 1 where in ≥ threshold, −1
    elsewhere."""

    name = "BINARY_FULLY_CONNECTED"
    Attrs = BinaryFullyConnectedAttrs
    Params = BinaryFullyConnectedParams
