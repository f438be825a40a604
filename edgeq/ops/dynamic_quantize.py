"""DYNAMIC_QUANTIZE, edgeq's own operator: sums become a block that uses the whole of int8.

With v the sums after the activation, low and high their extremes, 0 included,

    P = high − low, T = 255                 affine
    P = max(high, −low), T = 127            symmetric, where something is negative
    zero point = −128 − round(low · T / P), or 0 where it is symmetric
    block = saturate(round(v · T / P) + zero point)        scale' = scale · P / T

in integers, P at least 1: n = P · 2^b in [2^30, 2^31), cut off where b is negative, r = floor(T · 2^(t + 30) / n) with
T · 2^t in [2^30, 2^31), and v · T / P = shifted(v · r, 30 + t − b). scale' is the product of scale, n · 2^−b and 1 / T.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgeq.fixedpoint import Dialect, saturate
from edgeq.fixedpoint_scales import MANTISSA_BITS, magnitude_bits, product, scale_of, shifted
from edgeq.ir import Graph, Node, Tensor
from edgeq.ops import register
from edgeq.ops.base import Activation, Lowered
from edgeq.ops.requantizing import Clamp, clamp_fields, known_zero_point
from edgeq.ops.run_time import RANGE, RunTime, lowered, require_scale, spread


@dataclass(frozen=True)
class DynamicQuantizeAttrs:
    """symmetric: the zero point is known beforehand, −128 of what is not negative, else 0."""

    activation: Activation = Activation.NONE
    symmetric: bool = False


@dataclass(frozen=True)
class DynamicQuantizeParams(Clamp):
    """numerator: T · 2^numerator_bits. inverse_mantissa, inverse_exponent: 1 / T."""

    size: int
    symmetric: int
    numerator: int
    numerator_bits: int
    inverse_mantissa: int
    inverse_exponent: int


@register
class DynamicQuantize(RunTime):
    """Operands: sums (int32), their scale. Results: the block, its range."""

    name = "DYNAMIC_QUANTIZE"
    Attrs = DynamicQuantizeAttrs
    Params = DynamicQuantizeParams

    def infer(self, attrs: DynamicQuantizeAttrs, x: Tensor, scale: Tensor) -> tuple[tuple[int, ...], ...]:
        require_scale(scale)
        return x.shape, RANGE

    def lower(self, node: Node, graph: Graph, dialect: Dialect) -> Lowered:
        attrs: DynamicQuantizeAttrs = node.attrs
        x, _ = graph.operands(node)
        symmetric = attrs.symmetric and known_zero_point(attrs.activation) == 0
        largest = 127 if symmetric else 255
        bits = MANTISSA_BITS + 1 - largest.bit_length()
        params = DynamicQuantizeParams(
            *clamp_fields(attrs.activation),
            size=x.size,
            symmetric=int(symmetric),
            numerator=largest << bits,
            numerator_bits=bits,
            inverse_mantissa=scale_of(1.0 / largest)[0],
            inverse_exponent=scale_of(1.0 / largest)[1],
        )
        return lowered(params, node, graph, (0, 1))

    def simulate(self, p: DynamicQuantizeParams, x: np.ndarray, scale: np.ndarray) -> tuple[np.ndarray, ...]:
        scale = np.broadcast_to(scale, (len(x), 2))
        v = p.clamped(x, scale)
        flat = v.reshape(len(v), -1)
        low, high = np.minimum(flat.min(axis=1), 0), np.maximum(flat.max(axis=1), 0)
        width = np.maximum(np.maximum(high, -low) if p.symmetric else high - low, 1)
        bits = MANTISSA_BITS - magnitude_bits(width)
        width = np.where(bits < 0, width >> 1, width << np.maximum(bits, 0))
        factor = (np.int64(p.numerator) << MANTISSA_BITS) // width
        down = MANTISSA_BITS + p.numerator_bits - bits
        zero_point = np.zeros_like(low) if p.symmetric else -128 - shifted(low * factor, down)
        y = shifted(v * spread(factor, v), spread(down, v)) + spread(zero_point, v)
        found = product(product(scale, width, -bits), p.inverse_mantissa, p.inverse_exponent)
        return saturate(y, -128, 127), np.concatenate([found, zero_point[:, np.newaxis]], axis=1).astype(np.int32)
