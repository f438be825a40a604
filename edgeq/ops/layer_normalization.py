"""LAYER_NORMALIZATION, edgeq's own operator: TFLite has it in float only, as a chain of others.

Quantizing that chain loses the most where it matters: a variance in eight bits. Here all of a row is exact up to one
reciprocal square root. With c = x − zero point, S = Σc, Q = Σc² over the n elements of a row, the normalized element is

    (c − S/n) / sqrt(Q/n − (S/n)² + ε/scale²) = (n·c − S) / sqrt(n·Q − S² + n²·ε/scale²)

whose numerator and radicand are integers. Without `centre` S counts as 0: the normalization by the root mean square.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from edgeq.errors import QuantizationError
from edgeq.fixedpoint import (
    INT32_MAX,
    Dialect,
    quantize_multipliers,
    reciprocal_root,
    requantize,
    rounding_divide_by_pot,
    saturate,
)
from edgeq.ir import DType, Graph, Node, Tensor, frozen_array
from edgeq.ops import register
from edgeq.ops.base import Lowered, Op, QuantRule, SymmetricConstant, activation_type, affine, require

#: Elements of a row by type: the numerator, of 9 or 17 bits for each, times the root stays below 2^63.
MAX_ROW = {DType.INT8: 1 << 16, DType.INT16: 1 << 14}
#: Fractional bits of a normalized element, whose magnitude is at most the square root of the row's length.
NORMALIZED_BITS = 20
#: Fractional bits of the radicand, at most: an epsilon below one squared step of the input counts too. Even.
MAX_RADICAND_BITS = 20
#: Fractional bits, in steps of the result, that the product with gamma keeps until beta is added.
SPARE_BITS = 8


@dataclass(frozen=True)
class LayerNormalizationAttrs:
    """axes: how many of the last axes are normalized together. centre: the mean is subtracted.
    epsilon: added to the variance."""

    axes: int = 1
    centre: bool = True
    epsilon: float = 1e-3


@dataclass(frozen=True, eq=False)
class LayerNormalizationParams:
    """Integers of a layer normalization over rows of `size` elements.

    radicand_bits: fractional bits of the radicand, even. epsilon: ε · size² / scale² in this format, at least one unit
        (int64 (1,)).
    multipliers, shifts: gamma, from Q11.20 to 2^−8 steps of the result. offsets: beta in such steps. int32, (size,), or
        (1,) where all elements share them.
    """

    rows: int
    size: int
    centre: int
    input_offset: int
    output_offset: int
    radicand_bits: int
    epsilon: np.ndarray
    multipliers: np.ndarray
    shifts: np.ndarray
    offsets: np.ndarray
    dtype: str = "int8"

    @property
    def step(self) -> int:
        """Elements from one constant to the next."""
        return int(self.multipliers.size > 1)


@register
class LayerNormalization(Op):
    """out = saturate(round((requantize((n·c − S) / sqrt(n·Q − S² + epsilon)) + offset) / 2^8) + output_offset).

    Off the exact value by at most half a step and 2^−8, plus 2^−21 of gamma in steps: the reciprocal square root's
    relative error is below 2^−29, the quotient's absolute one 2^−21.
    Operands: the data, gamma and beta, both of one shape that ends the data's, or of one element.
    """

    name = "LAYER_NORMALIZATION"
    Attrs = LayerNormalizationAttrs
    Params = LayerNormalizationParams
    dtypes = (DType.INT8, DType.INT16)
    own = True

    def infer(
        self, attrs: LayerNormalizationAttrs, x: Tensor, gamma: Tensor, beta: Tensor
    ) -> tuple[tuple[int, ...], ...]:
        require(1 <= attrs.axes <= len(x.shape), f"cannot normalize {attrs.axes} axes of {list(x.shape)}")
        size = math.prod(x.shape[-attrs.axes :])
        require(size > 0, "there is nothing to normalize")
        require(attrs.epsilon >= 0 and math.isfinite(attrs.epsilon), f"epsilon is {attrs.epsilon}")
        for constant in (gamma, beta):
            require(constant.size in (1, size), f"gamma and beta need 1 or {size} elements, one has {constant.size}")
        return (x.shape,)

    def quant_rule(self, attrs: LayerNormalizationAttrs) -> QuantRule:
        return QuantRule(symmetric=(SymmetricConstant(1, DType.INT32), SymmetricConstant(2, DType.INT32)))

    def reach(self, attrs: LayerNormalizationAttrs, x: Tensor, gamma: Tensor, beta: Tensor) -> tuple[float, ...] | None:
        if gamma.data is None or beta.data is None:
            return None
        # n numbers of which the sum of squares is n
        largest = math.sqrt(math.prod(x.shape[-attrs.axes :])) * float(np.abs(gamma.data).max())
        return (largest + float(np.abs(beta.data).max()),)

    def evaluate(
        self, attrs: LayerNormalizationAttrs, x: np.ndarray, gamma: np.ndarray, beta: np.ndarray
    ) -> tuple[np.ndarray, ...]:
        axes = tuple(range(x.ndim - attrs.axes, x.ndim))
        wide = x.astype(np.float64)
        if attrs.centre:
            wide = wide - wide.mean(axis=axes, keepdims=True)
        wide = wide / np.sqrt(np.square(wide).mean(axis=axes, keepdims=True) + max(attrs.epsilon, 1e-30))
        shape = x.shape[-attrs.axes :]
        gamma, beta = (c.reshape(shape if c.size > 1 else (1,)).astype(np.float64) for c in (gamma, beta))
        return ((wide * gamma + beta).astype(np.float32),)

    def lower(self, node: Node, graph: Graph, dialect: Dialect) -> Lowered:
        attrs: LayerNormalizationAttrs = node.attrs
        x, gamma, beta = graph.operands(node)
        (y,) = graph.results(node)
        dtype = activation_type(self, node.loc, x, y)
        input_scale, input_zero = affine(x, node.loc, dtype)
        output_scale, output_zero = affine(y, node.loc, dtype)
        size = math.prod(x.shape[-attrs.axes :])
        epsilon = attrs.epsilon * (size / input_scale) ** 2
        reach = 1 << 8 if dtype is DType.INT8 else 1 << 15
        largest = (size * reach) ** 2 + epsilon
        if size > MAX_ROW[dtype] or not largest < 2.0**60:
            raise QuantizationError(
                f"rows of {size} elements, epsilon {attrs.epsilon:g} and a scale of {input_scale:g} are out of range",
                where=node.loc,
                hint=f"normalize {MAX_ROW[dtype]} elements or fewer, with an epsilon below the input's variance",
            )
        radicand_bits = min(MAX_RADICAND_BITS, (61 - int(largest).bit_length()) // 2 * 2)
        count = max(gamma.size, beta.size)
        factors, offsets = (
            np.broadcast_to(_real(c, node.loc), count) / output_scale * (1 << SPARE_BITS) for c in (gamma, beta)
        )
        largest = math.sqrt(size) * np.abs(factors).max()
        if not largest + np.abs(offsets).max() < INT32_MAX // 2:
            raise QuantizationError(
                "gamma or beta is too large for the result's scale",
                where=node.loc,
                hint="calibrate with data that covers the range of the layer's results",
            )
        multipliers, shifts = quantize_multipliers(np.abs(factors) / (1 << NORMALIZED_BITS))
        multipliers = np.where(factors < 0, -multipliers, multipliers)
        params = LayerNormalizationParams(
            rows=x.size // size,
            size=size,
            centre=int(attrs.centre),
            input_offset=-input_zero,
            output_offset=output_zero,
            radicand_bits=radicand_bits,
            epsilon=frozen_array([max(1, round(math.ldexp(epsilon, radicand_bits)))], np.int64),
            multipliers=frozen_array(multipliers, np.int32),
            shifts=frozen_array(shifts, np.int32),
            offsets=frozen_array(np.rint(offsets), np.int32),
            dtype=dtype.value,
        )
        return Lowered(params, (x.name,), int(largest + np.abs(offsets).max()) + 1)

    def simulate(self, p: LayerNormalizationParams, x: np.ndarray) -> tuple[np.ndarray, ...]:
        c = x.reshape(-1, p.size).astype(np.int64) + p.input_offset
        total = c.sum(axis=1, keepdims=True) * p.centre
        spread = p.size * np.square(c).sum(axis=1, keepdims=True) - np.square(total)
        root, shift = reciprocal_root((spread << p.radicand_bits) + p.epsilon[0])
        normalized = (p.size * c - total) * root
        drop = shift - p.radicand_bits // 2 - NORMALIZED_BITS
        normalized = (normalized + (np.int64(1) << (drop - 1))) >> drop
        y = requantize(normalized, p.multipliers, p.shifts) + p.offsets
        y = rounding_divide_by_pot(y, SPARE_BITS) + p.output_offset
        return (saturate(y, *DType(p.dtype).range, x.dtype.type).reshape(x.shape),)


def _real(constant: Tensor, where: str) -> np.ndarray:
    """float64 values of gamma or beta, flat."""
    if constant.data is None or constant.dtype is not DType.INT32 or constant.quant is None:
        raise QuantizationError("gamma and beta must be int32 constants with a scale", where=where)
    return (constant.quant.scale.astype(np.float64) * constant.data).reshape(-1)
