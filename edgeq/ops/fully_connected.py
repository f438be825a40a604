"""FULLY_CONNECTED: a matrix of weights applied to the rows of its input."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from edgeq.fixedpoint import Dialect, quantize_multipliers
from edgeq.ir import DType, Graph, Node, Tensor, frozen_array
from edgeq.ops import register
from edgeq.ops.base import Activation, Lowered, Op, QuantRule, check_accumulator, require
from edgeq.ops.fine_weights import FineWeights
from edgeq.ops.weighted import (
    WEIGHT_TYPES,
    WeightedParams,
    accumulator_bound,
    exact_sums,
    lowered_sums,
    weighted_fields,
)

# The axis of the weights that one result sums over.
_SUMMED = (1,)


@dataclass(frozen=True)
class FullyConnectedAttrs:
    """keep_num_dims: the result keeps the input's leading dimensions; otherwise it has two, rows and units."""

    activation: Activation = Activation.NONE
    keep_num_dims: bool = False


@dataclass(frozen=True, eq=False)
class FullyConnectedParams(WeightedParams):
    """Integers of a dense layer that turns (batches, depth) into (batches, units).

    weights: (units, depth). multipliers, shifts: also (1,), for one factor.
    single_rounding: 1 where requantization rounds once (LiteRT's dialect), else 0.
    """

    batches: int
    depth: int
    units: int
    output_shape: tuple[int, ...]
    single_rounding: int

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
        x, w, *_ = operands = graph.operands(node)
        (y,) = graph.results(node)
        units, depth = w.shape
        # TFLite sums what has no bias in 32 bits
        fields = weighted_fields(self, node, operands, y, axis=0, activation=attrs.activation, narrow_alone=True)
        if w.quant.scale.size == 1:
            fields |= _one_multiplier(x, w, y)
        # LiteRT multiplies int16 sums by a double, which no integer program can: 2.14's way in either dialect
        single = dialect is Dialect.LITERT and x.dtype is DType.INT8
        params = (FullyConnectedParams if w.quant.is_plain else FineFullyConnectedParams)(
            batches=x.size // depth,
            depth=depth,
            units=units,
            output_shape=y.shape,
            single_rounding=int(single),
            **fields,
        )
        if single:
            # the product is formed in 64 bits without a left shift
            bound = accumulator_bound(params.magnitudes, params.bias, params.input_offset, _SUMMED)
            return Lowered(params, (x.name,), check_accumulator(bound, 0, node.loc))
        return lowered_sums(params, x, _SUMMED, node.loc)

    def simulate(self, p: FullyConnectedParams, x: np.ndarray) -> tuple[np.ndarray, ...]:
        exact, finish = exact_sums(p, _SUMMED, single=bool(p.single_rounding))
        rows = x.reshape(-1, p.depth).astype(exact)
        rows += exact(p.input_offset)
        y = finish(rows @ p.factors.astype(exact).T)
        return (y.reshape((x.shape[0],) + p.output_shape),)


def _one_multiplier(x: Tensor, w: Tensor, y: Tensor) -> dict[str, np.ndarray]:
    """The multiplier and shift of a layer with one scale of weights, int32 (1,): of a float32 product of scales, as
    TFLite's GetQuantizedConvolutionMultipler has it."""
    product = x.quant.scale * w.quant.scale
    multipliers, shifts = quantize_multipliers(product.astype(np.float64) / y.quant.scale.astype(np.float64))
    return {"multipliers": frozen_array(multipliers), "shifts": frozen_array(shifts)}
