"""ADAPTIVE_QUANTIZE, edgeq's own operator: sums become a block whose scale follows what earlier inferences have shown.

The scale is 2^level. With v the sums after the activation, T = 127 and zero point 0, or 255 and −128 where none is
negative,

    block = saturate(round(v · scale / 2^level)) + zero point

and an inference's need is the lowest level at which none of it would have saturated: k for which
shifted(P · mantissa, k) ≤ T, plus the scale's exponent, P the largest |v|. The next level is found by hysteresis:

    need > level    something saturated, or would have: level ← need at once
    need < level    after `patience` such inferences one after the other: level ← the highest need among them
    need = level, or nothing but zeros, which need nothing: level stays; after zeros the quiet ones are still counted

The state is int32 (4,): the level, how many quiet inferences there were one after the other, the highest need among
them, and how many elements of the last inference saturated. Behind a reset the level is UNSET, and becomes the need of
the first inference that has one, before that is quantized; zeros before it stay zeros at level 0.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgeq.fixedpoint import INT32_MIN, Dialect
from edgeq.fixedpoint_scales import MANTISSA_BITS, ONE, magnitude_bits, parts, shifted
from edgeq.ir import DType, Graph, Node, Tensor
from edgeq.ops import register
from edgeq.ops.base import Activation, Lowered, require
from edgeq.ops.requantizing import Clamp, clamp_fields, known_zero_point
from edgeq.ops.run_time import RANGE, RunTime, lowered, require_scale, spread

#: The level after a reset.
UNSET = INT32_MIN
STATE = (4,)


@dataclass(frozen=True)
class AdaptiveQuantizeAttrs:
    """patience: after so many quiet inferences the scale falls."""

    activation: Activation = Activation.NONE
    patience: int = 8


@dataclass(frozen=True)
class AdaptiveQuantizeParams(Clamp):
    """output_offset: the zero point. largest: T. largest_bits: of T."""

    size: int
    output_offset: int
    largest: int
    largest_bits: int
    patience: int


@register
class AdaptiveQuantize(RunTime):
    """Operands: sums (int32), their scale, the state. Results: the block, its range, the new state."""

    name = "ADAPTIVE_QUANTIZE"
    Attrs = AdaptiveQuantizeAttrs
    Params = AdaptiveQuantizeParams

    def infer(
        self, attrs: AdaptiveQuantizeAttrs, x: Tensor, scale: Tensor, state: Tensor
    ) -> tuple[tuple[int, ...], ...]:
        require_scale(scale)
        require(
            state.shape == STATE and state.dtype is DType.INT32, f"{state.name!r} is no state: int32 (4,) is needed"
        )
        require(attrs.patience > 0, f"a patience of {attrs.patience} inferences is none")
        return x.shape, RANGE, STATE

    def lower(self, node: Node, graph: Graph, dialect: Dialect) -> Lowered:
        x, _, _ = graph.operands(node)
        zero_point = known_zero_point(node.attrs.activation)
        largest = 255 if zero_point else 127
        params = AdaptiveQuantizeParams(
            *clamp_fields(node.attrs.activation),
            size=x.size,
            output_offset=zero_point,
            largest=largest,
            largest_bits=largest.bit_length(),
            patience=node.attrs.patience,
        )
        return lowered(params, node, graph, (0, 1, 2))

    def simulate(
        self, p: AdaptiveQuantizeParams, x: np.ndarray, scale: np.ndarray, state: np.ndarray
    ) -> tuple[np.ndarray, ...]:
        scale = np.broadcast_to(scale, (len(x), 2))
        mantissa, exponent = parts(scale)
        v = p.clamped(x, scale)
        peak = np.abs(v).reshape(len(v), -1).max(axis=1, initial=0)
        silent = peak == 0
        need = exponent + _bits_needed(p, np.maximum(peak, 1) * mantissa)
        level, quiet, window, _ = (np.broadcast_to(part, len(v)).astype(np.int64) for part in state.T)
        unset = level == UNSET
        used = np.where(unset, np.where(silent, 0, need), level)
        y = shifted(v * spread(mantissa, v), spread(used - exponent, v))
        low = 0 if p.output_offset else -p.largest
        saturated = np.sum((y > p.largest) | (y < low), axis=tuple(range(1, y.ndim)))
        block = (np.clip(y, low, p.largest) + p.output_offset).astype(np.int8)

        quieter = ~silent & (need < used)
        count = np.where(quieter, quiet + 1, 0)
        highest = np.where(quieter & (quiet > 0), np.maximum(window, need), need)
        fall = quieter & (count >= p.patience)
        following = np.where(need > used, need, np.where(fall, highest, used))
        following = np.where(silent, level, following)
        count, highest = np.where(silent, quiet, np.where(fall, 0, count)), np.where(silent, window, highest)
        new = np.stack([following, count, highest, saturated], axis=1).astype(np.int32)
        found = [np.full_like(used, ONE), used - MANTISSA_BITS, np.full_like(used, p.output_offset)]
        return block, np.stack(found, axis=1).astype(np.int32), new


def _bits_needed(p: AdaptiveQuantizeParams, x: np.ndarray) -> np.ndarray:
    """The least k ≥ 0 for which shifted(x, k) ≤ T; x ≥ 2^30."""
    # float64, which magnitudes are read off, holds 53 bits
    k = magnitude_bits(x >> 9) + 9 + 1 - p.largest_bits
    return k + (shifted(x, k) > p.largest)
