"""FULLY_CONNECTED: a matrix of weights applied to the rows of its input."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from edgeq.fixedpoint import Dialect, quantize_multipliers
from edgeq.ir import DType, Graph, Node, Tensor, frozen_array
from edgeq.ops import register
from edgeq.ops.base import (
    Activation,
    Lowered,
    Op,
    QuantRule,
    activation_range,
    activation_type,
    affine,
    check_accumulator,
    require,
)
from edgeq.ops.exact import float_type, product_bound
from edgeq.ops.fine_weights import FineWeights, PlainWeights, fine_fields
from edgeq.ops.weighted import (
    WEIGHT_TYPES,
    accumulator_bound,
    check_sum,
    constant_weights,
    integer_bias,
    per_channel_multipliers,
    rescaler,
)


@dataclass(frozen=True)
class FullyConnectedAttrs:
    """keep_num_dims: the result keeps the input's leading dimensions; otherwise it has two, rows and units."""

    activation: Activation = Activation.NONE
    keep_num_dims: bool = False


@dataclass(frozen=True, eq=False)
class FullyConnectedParams(PlainWeights):
    """Integers of a dense layer that turns (batches, depth) into (batches, units).

    weights: int8 (units, depth). bias: int32 (units,). multipliers, shifts: int32 (units,), or (1,) for one factor.
    dtype, weight_type: as in a convolution's parameters.
    single_rounding: 1 where requantization rounds once (LiteRT's dialect), else 0.
    """

    batches: int
    depth: int
    units: int
    output_shape: tuple[int, ...]
    input_offset: int
    output_offset: int
    activation_min: int
    activation_max: int
    single_rounding: int
    weights: np.ndarray
    bias: np.ndarray
    multipliers: np.ndarray
    shifts: np.ndarray
    dtype: str = "int8"
    weight_type: str = "int8"

    @property
    def per_channel(self) -> bool:
        return self.multipliers.size > 1


@dataclass(frozen=True, eq=False)
class FineFullyConnectedParams(FineWeights, FullyConnectedParams):
    """Integers of a dense layer whose weights have zero points or blocks."""


@register
class FullyConnected(Op):
    """out[b,o] = clamp(requantize(Σ w[o]·(in[b] + input_offset) + bias) + output_offset)."""

    name = "FULLY_CONNECTED"
    Attrs = FullyConnectedAttrs
    Params = (FullyConnectedParams, FineFullyConnectedParams)
    dtypes = (DType.INT8, DType.INT16)
    weight_types = WEIGHT_TYPES
    finer_weights = True

    def infer(
        self, attrs: FullyConnectedAttrs, x: Tensor, w: Tensor, b: Tensor | None = None
    ) -> tuple[tuple[int, ...], ...]:
        require(len(w.shape) == 2, f"needs a matrix of weights, has shape {list(w.shape)}")
        units, depth = w.shape
        require(
            depth > 0 and x.size % depth == 0, f"an input of {x.size} elements does not fit weights of depth {depth}"
        )
        require(b is None or b.shape == (units,), f"the bias needs {units} elements")
        if not attrs.keep_num_dims:
            return ((x.size // depth, units),)
        require(len(x.shape) > 0 and x.shape[-1] == depth, f"an input of shape {list(x.shape)} does not end in {depth}")
        return (x.shape[:-1] + (units,),)

    def macs(self, attrs: Any, inputs: tuple[Tensor | None, ...], outputs: tuple[Tensor, ...]) -> int:
        return outputs[0].size * inputs[1].shape[1]

    def quant_rule(self, attrs: FullyConnectedAttrs) -> QuantRule:
        return QuantRule(weight=1, weight_axis=0, bias=2)

    def evaluate(
        self, attrs: FullyConnectedAttrs, x: np.ndarray, w: np.ndarray, b: np.ndarray | None = None
    ) -> tuple[np.ndarray, ...]:
        units, depth = w[0].shape
        y = x.reshape(-1, depth) @ w[0].T
        if b is not None:
            y = y + b[0]
        y = np.clip(y, *attrs.activation.bounds).astype(np.float32)
        shape = x.shape[:-1] + (units,) if attrs.keep_num_dims else (x.shape[0], -1, units)
        return (y.reshape(shape),)

    def lower(self, node: Node, graph: Graph, dialect: Dialect) -> Lowered:
        attrs: FullyConnectedAttrs = node.attrs
        x, w, *rest = graph.operands(node)
        (y,) = graph.results(node)
        units, depth = w.shape
        dtype = activation_type(self, node.loc, x, y)
        _, input_zero = affine(x, node.loc, dtype)
        output_scale, output_zero = affine(y, node.loc, dtype)
        weights = constant_weights(w, node.loc, axis=0, types=self.weight_types, activation=dtype)
        multipliers, shifts = _multipliers(x, w, y)
        bias = integer_bias(rest[0] if rest else None, units, node.loc, dtype)
        if not (rest and rest[0]):
            # TFLite sums what has no bias in 32 bits
            bias = bias.astype(np.int32)
        low, high = activation_range(attrs.activation, output_scale, output_zero, dtype)
        # LiteRT multiplies int16 sums by a double, which no integer program can: 2.14's way in either dialect
        single = dialect is Dialect.LITERT and dtype is DType.INT8
        params = FullyConnectedParams(
            batches=x.size // depth,
            depth=depth,
            units=units,
            output_shape=y.shape,
            input_offset=-input_zero,
            output_offset=output_zero,
            activation_min=low,
            activation_max=high,
            single_rounding=int(single),
            weights=frozen_array(weights),
            bias=frozen_array(bias),
            multipliers=frozen_array(multipliers),
            shifts=frozen_array(shifts),
            dtype=dtype.value,
            weight_type=w.dtype.value,
        )
        if not w.quant.is_plain:
            params = FineFullyConnectedParams(**{**vars(params), **fine_fields(w)})
        bound = accumulator_bound(params.magnitudes, bias, -input_zero, (1,), dtype)
        if single:
            # the product is formed in 64 bits without a left shift
            return Lowered(params, (x.name,), check_accumulator(bound, 0, node.loc))
        bound = check_sum(bound, bias, multipliers, shifts, node.loc)
        return Lowered(params, (x.name,), bound, 8 * bias.itemsize)

    def simulate(self, p: FullyConnectedParams, x: np.ndarray) -> tuple[np.ndarray, ...]:
        dtype = DType(p.dtype)
        exact = float_type(product_bound(p.factors, p.input_offset, (1,), dtype))
        rows = x.reshape(-1, p.depth).astype(exact)
        rows += exact(p.input_offset)
        bound = accumulator_bound(p.factors, p.bias, p.input_offset, (1,), dtype)
        finish = rescaler(p, bound, single=bool(p.single_rounding))
        y = finish(rows @ p.factors.astype(exact).T)
        return (y.reshape((x.shape[0],) + p.output_shape),)


def _multipliers(x: Tensor, w: Tensor, y: Tensor) -> tuple[np.ndarray, np.ndarray]:
    """int32 (multipliers, shifts). One factor for the layer is made from a float32 product of scales, as TFLite's
    GetQuantizedConvolutionMultipler does; factors per channel are made as a convolution's."""
    if w.quant.scale.size > 1:
        return per_channel_multipliers(x, w, y, channels=w.shape[0])
    product = x.quant.scale * w.quant.scale
    return quantize_multipliers(product.astype(np.float64) / y.quant.scale.astype(np.float64))
