"""Sums of products of a block with constant weights: what dense layers and convolutions of either kind share.

With x the block's integers without their zero point, s its scale, w the weights of channel c and S(c) their scale,

    acc(c) = Σ w·x                                   exact, int32
    sum(c) = shifted(requantize(acc(c), S(c) / u), k) + bias(c)
    scale  = s · u · 2^k

u is a constant: 2^−29 of the largest S(c) · Σ|w| · max|x|, so that all channels share a scale and the product is below
2^29. k is 0, but where a bias would exceed 2^29 at that scale: then the scale grows to what the bias needs. The bias,
B · 2^e with |B| ≤ 2^29, comes in at the run-time scale: bias(c) = in_steps(B(c), e, scale). requantize rounds once.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from edgeq.errors import QuantizationError
from edgeq.fixedpoint import INT32_MAX, Dialect, quantize_multipliers, requantize
from edgeq.fixedpoint_scales import MANTISSA_BITS, in_steps, pair, parts, product, scale_of, shifted
from edgeq.ir import DType, Graph, Node, Tensor, frozen_array
from edgeq.ops.base import Lowered, Op, require
from edgeq.ops.exact import float_type
from edgeq.ops.run_time import REACH, SCALE, RunTime, centred_block, lowered, require_ranges, spread
from edgeq.ops.spatial import Pair
from edgeq.ops.weighted import symmetric_weights

#: Products and biases stay below 2 to this power each.
SUM_BITS = 29
#: The exponent of a bias that is 0: far below any scale.
NO_BIAS = -4096


@dataclass(frozen=True, eq=False)
class DynamicWeightedParams:
    """Integers of such a layer. Shapes are NHWC; pairs (height, width). A dense layer is a convolution of one row.

    weights: int8 OHWI (depthwise: 1HWO). multipliers, shifts: S(c) / u, int32 (out_c,). bias: int32 (out_c,), in units
    of 2^bias_exponent. unit_mantissa, unit_exponent: u. result_shape: of the sums. accumulator_bound: of |acc|.
    """

    input_shape: tuple[int, int, int, int]
    output_shape: tuple[int, int, int, int]
    result_shape: tuple[int, ...]
    kernel: Pair
    stride: Pair
    dilation: Pair
    pad: Pair
    depth_multiplier: int
    accumulator_bound: int
    unit_mantissa: int
    unit_exponent: int
    bias_exponent: int
    weights: np.ndarray
    multipliers: np.ndarray
    shifts: np.ndarray
    bias: np.ndarray


@dataclass(frozen=True)
class Geometry:
    """What the layers differ in: fields of DynamicWeightedParams, the filters' shape, and their axis of channels."""

    input_shape: tuple[int, int, int, int]
    output_shape: tuple[int, int, int, int]
    filters: tuple[int, int, int, int]
    axis: int
    stride: Pair = (1, 1)
    dilation: Pair = (1, 1)
    pad: Pair = (0, 0)
    depth_multiplier: int = 1


class DynamicWeighted(RunTime):
    """Base of these layers. Operands: a block, weights, a bias or none, the block's range.

    Attributes:
        places: of these operands, by number.
        plain: the operator that it stands for.
        correlate: the exact sums of products, as `edgeq.ops.conv_2d.correlation`.
    """

    Params = DynamicWeightedParams
    places: ClassVar[tuple[int, int, int, int]] = (0, 1, 2, 3)
    plain: ClassVar[Op]
    correlate: ClassVar[Callable[..., np.ndarray]]

    def infer(self, attrs: Any, x: Tensor, w: Tensor, b: Tensor | None, found: Tensor) -> tuple[tuple[int, ...], ...]:
        require_ranges(found)
        return (*self.plain.infer(attrs, x, w, b), SCALE)

    def macs(self, attrs: Any, inputs: tuple[Tensor | None, ...], outputs: tuple[Tensor, ...]) -> int:
        return self.plain.macs(attrs, inputs, outputs)

    def geometry(self, attrs: Any, x: Tensor, w: Tensor, y: Tensor) -> Geometry:
        raise NotImplementedError

    def lower(self, node: Node, graph: Graph, dialect: Dialect) -> Lowered:
        operands = graph.operands(node)
        x, w, b, _ = (operands[i] for i in self.places)
        y, _ = graph.results(node)
        g = self.geometry(node.attrs, x, w, y)
        weights = symmetric_weights(w, node.loc, axis=self.plain.quant_rule(node.attrs).weight_axis)
        weights = weights.reshape(g.filters)
        channels = weights.shape[g.axis]
        summed = tuple(a for a in range(4) if a != g.axis)
        bounds = np.abs(weights.astype(np.int64)).sum(axis=summed) * REACH
        bound = int(bounds.max(initial=0))
        if bound > INT32_MAX:
            raise QuantizationError(
                f"the int32 accumulator can overflow: it may reach {bound:,}",
                where=node.loc,
                hint="reduce the layer's fan-in",
            )
        scales = np.broadcast_to(w.quant.scale.astype(np.float64), (channels,))
        largest = float((scales * bounds).max(initial=0.0))
        unit = math.ldexp(largest if largest > 0.0 else float(scales.max(initial=1.0)), -SUM_BITS)
        # channels without weights have no bound, and need no factor
        multipliers, shifts = quantize_multipliers(np.where(bounds > 0, scales / unit, 0.0))
        bias, bias_exponent = _normalized(b, channels, node.loc)
        unit_mantissa, unit_exponent = scale_of(unit)
        params = DynamicWeightedParams(
            input_shape=g.input_shape,
            output_shape=g.output_shape,
            result_shape=y.shape,
            kernel=g.filters[1:3],
            stride=g.stride,
            dilation=g.dilation,
            pad=g.pad,
            depth_multiplier=g.depth_multiplier,
            accumulator_bound=bound,
            unit_mantissa=unit_mantissa,
            unit_exponent=unit_exponent,
            bias_exponent=bias_exponent,
            weights=frozen_array(weights),
            multipliers=frozen_array(multipliers),
            shifts=frozen_array(shifts),
            bias=frozen_array(bias),
        )
        return lowered(params, node, graph, (self.places[0], self.places[3]), bound)

    def simulate(self, p: DynamicWeightedParams, x: np.ndarray, found: np.ndarray) -> tuple[np.ndarray, ...]:
        def finish(acc: np.ndarray) -> np.ndarray:
            return requantize(acc.astype(np.int64), p.multipliers, p.shifts, single=True)

        x = centred_block(x, found).astype(np.int16)
        products = type(self).correlate(p, p.weights, x, 0, float_type(p.accumulator_bound), finish)
        mantissa, exponent = parts(product(found, p.unit_mantissa, p.unit_exponent))
        raised = np.maximum(p.bias_exponent - exponent - MANTISSA_BITS, 0)
        raised_scale = pair(mantissa, exponent + raised)
        bias = in_steps(p.bias, p.bias_exponent, raised_scale[:, np.newaxis])
        bias = bias.reshape(bias.shape[:1] + (1, 1, 1) + bias.shape[1:])
        sums = shifted(products, spread(raised, products)) + bias
        return sums.astype(np.int32).reshape(x.shape[:1] + p.result_shape), raised_scale


def _normalized(b: Tensor | None, channels: int, where: str) -> tuple[np.ndarray, int]:
    """A bias as (int32 up to 2^29, exponent)."""
    if b is None:
        return np.zeros(channels, np.int32), NO_BIAS
    require(b.data is not None and b.dtype is DType.INT32 and b.quant is not None, "the bias needs a scale", where)
    real = b.quant.scale.astype(np.float64) * b.data
    largest = float(np.abs(real).max(initial=0.0))
    if largest == 0.0:
        return np.zeros(channels, np.int32), NO_BIAS
    exponent = math.frexp(largest)[1] - SUM_BITS
    return np.rint(np.ldexp(real, -exponent)).astype(np.int32), exponent
