"""SVDF: a dense layer over a window of time, of low rank; the window's features are a state.

After Nakkiran et al., "Compressing Deep Neural Networks using a Rank-Constrained Topology" (2015).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgeq.errors import QuantizationError
from edgeq.fixedpoint import INT32_MAX, Dialect, quantize_multiplier, requantize, saturate
from edgeq.ir import DType, Graph, Node, Tensor, frozen_array
from edgeq.ops import register
from edgeq.ops.base import Activation, Lowered, Op, QuantRule, affine, check_accumulator, require
from edgeq.ops.exact import float_type, product_bound
from edgeq.ops.weighted import integer_bias, symmetric_weights


@dataclass(frozen=True)
class SvdfAttrs:
    """rank: filters per unit."""

    rank: int = 1
    activation: Activation = Activation.NONE


@dataclass(frozen=True, eq=False)
class SvdfParams:
    """Integers of an SVDF that turns (batches, depth) into (batches, filters / rank).

    Attributes:
        dtype: the state's type, int8 or int16, which is that of the weights in time.
        input_zero, output_zero: zero points.
        wide: 1 where sums over time may leave int32; they are then of 64 bits, and saturated to 32.
        feature_weights: int8 (filters, depth). time_weights: (filters, memory), the newest last.
        bias: int32 (filters / rank,).
        feature_multiplier, …: from the sum over features to the state. time_multiplier, …: from that over time to the
            result.
    """

    dtype: str
    batches: int
    depth: int
    filters: int
    rank: int
    memory: int
    input_zero: int
    output_zero: int
    wide: int
    state_min: int
    state_max: int
    feature_multiplier: int
    feature_shift: int
    time_multiplier: int
    time_shift: int
    feature_weights: np.ndarray
    time_weights: np.ndarray
    bias: np.ndarray

    @property
    def units(self) -> int:
        return self.filters // self.rank


@register
class Svdf(Op):
    """s ← s without its oldest column, and clamp(requantize(V·(x − zero))) behind it; y = clamp(requantize(Σ over time
    and rank of W·s + bias) + zero).

    Operands: x (batches, depth), weights of features (filters, depth) and of time (filters, memory), the bias or none,
    and the state (batches, filters · memory). Results: y, and the state behind it. The integer operator has no
    activation but the end of int8's range: TFLite's takes RELU for that.
    """

    name = "SVDF"
    variables = ((4, 1),)
    Attrs = SvdfAttrs
    Params = SvdfParams

    def infer(
        self, attrs: SvdfAttrs, x: Tensor, features: Tensor, time: Tensor, bias: Tensor | None = None,
        state: Tensor | None = None,
    ) -> tuple[tuple[int, ...], ...]:  # fmt: skip
        require(state is not None, "SVDF lacks its state")
        shapes = (x.shape, features.shape, time.shape, state.shape)
        require(all(len(shape) == 2 for shape in shapes), f"operands of shapes {shapes} are no matrices")
        (batches, depth), (filters, columns), (rows, memory) = shapes[:3]
        require(min(*x.shape, *features.shape, *time.shape) > 0, f"operands of shapes {shapes} have no elements")
        require(columns == depth, f"an input of depth {depth} does not fit weights of depth {columns}")
        require(rows == filters, f"{filters} filters of features, {rows} of time")
        require(attrs.rank > 0 and filters % attrs.rank == 0, f"{filters} filters do not make units of {attrs.rank}")
        units = filters // attrs.rank
        require(bias is None or bias.shape == (units,), f"the bias needs {units} elements")
        require(state.shape == (batches, filters * memory), f"a state of {state.shape} is not {filters} by {memory}")
        return (batches, units), state.shape

    def macs(self, attrs: SvdfAttrs, inputs: tuple[Tensor | None, ...], outputs: tuple[Tensor, ...]) -> int:
        x, features, time = inputs[:3]
        return x.shape[0] * (features.size + time.size)

    def quant_rule(self, attrs: SvdfAttrs) -> QuantRule:
        raise QuantizationError(
            "edgeq does not quantize a float SVDF",
            hint="convert the model to full-integer int8 with TFLite's converter",
        )

    def evaluate(
        self, attrs: SvdfAttrs, x: np.ndarray, features: np.ndarray, time: np.ndarray, bias: np.ndarray | None,
        state: np.ndarray,
    ) -> tuple[np.ndarray, ...]:  # fmt: skip
        filters, memory = time[0].shape
        after = _moved_on(state.reshape(*state.shape[:2], filters, memory), x @ features[0].T)
        y = _over_time(after, time[0], attrs.rank)
        if bias is not None:
            y = y + bias[0]
        y = np.clip(y, *attrs.activation.bounds).astype(np.float32)
        return y, after.reshape(state.shape).astype(np.float32)

    def lower(self, node: Node, graph: Graph, dialect: Dialect) -> Lowered:
        x, features, time, bias, state = graph.operands(node)
        y, after = graph.results(node)
        if node.attrs.activation not in (Activation.NONE, Activation.RELU):
            raise QuantizationError(
                f"an integer SVDF has no activation {node.attrs.activation.value}",
                where=node.loc,
                hint="TFLite's has RELU only; apply another one as a layer of its own",
            )
        if state.dtype not in (DType.INT8, DType.INT16) or after.dtype is not state.dtype:
            raise QuantizationError(f"the state is {state.dtype.value}, int8 or int16 is needed", where=node.loc)
        scales = [affine(t, node.loc)[0] for t in (x, y)]
        state_scale, state_zero = affine(state, node.loc, state.dtype)
        if state_zero != 0 or after.quant != state.quant:
            raise QuantizationError("the state needs zero point 0, and the same scale afterwards", where=node.loc)
        v, (w, time_scale) = symmetric_weights(features, node.loc, axis=0), _time_weights(time, state.dtype, node.loc)
        feature_scale, _ = features.quant.per_tensor
        # float32 products and quotients, as TFLite's Prepare forms them
        to_state = np.float32(scales[0]) * np.float32(feature_scale) / np.float32(state_scale)
        to_result = np.float32(state_scale) * np.float32(time_scale) / np.float32(scales[1])
        feature_multiplier, feature_shift = quantize_multiplier(float(to_state))
        time_multiplier, time_shift = quantize_multiplier(float(to_result))
        bias = integer_bias(bias, features.shape[0] // node.attrs.rank, node.loc)
        zeros = [affine(t, node.loc)[1] for t in (x, y)]
        low, high = state.dtype.range
        check_accumulator(product_bound(v, -zeros[0], (1,)), feature_shift, node.loc)
        reach = -low * np.abs(w.astype(np.int64)).sum(axis=1).reshape(-1, node.attrs.rank).sum(axis=1)
        bound = int((reach + np.abs(bias.astype(np.int64))).max())
        wide = bound > INT32_MAX
        check_accumulator(INT32_MAX if wide else bound, time_shift, node.loc)
        params = SvdfParams(
            dtype=state.dtype.value,
            batches=x.shape[0],
            depth=x.shape[1],
            filters=features.shape[0],
            rank=node.attrs.rank,
            memory=time.shape[1],
            input_zero=zeros[0],
            output_zero=zeros[1],
            wide=int(wide),
            state_min=low,
            state_max=high,
            feature_multiplier=feature_multiplier,
            feature_shift=feature_shift,
            time_multiplier=time_multiplier,
            time_shift=time_shift,
            feature_weights=frozen_array(v),
            time_weights=frozen_array(w),
            bias=frozen_array(bias),
        )
        return Lowered(params, (x.name, state.name), bound, 64 if wide else 32)

    def simulate(self, p: SvdfParams, x: np.ndarray, state: np.ndarray) -> tuple[np.ndarray, ...]:
        exact = float_type(product_bound(p.feature_weights, -p.input_zero, (1,)))
        sums = ((x.astype(exact) - exact(p.input_zero)) @ p.feature_weights.astype(exact).T).astype(np.int64)
        newest = saturate(
            requantize(sums, p.feature_multiplier, p.feature_shift), p.state_min, p.state_max, state.dtype
        )
        after = _moved_on(state.reshape(*state.shape[:2], p.filters, p.memory), newest)
        total = _over_time(after.astype(np.int64), p.time_weights.astype(np.int64), p.rank) + p.bias
        total = np.clip(total, -INT32_MAX - 1, INT32_MAX)
        y = saturate(requantize(total, p.time_multiplier, p.time_shift) + p.output_zero, -128, 127)
        return y, after.reshape(state.shape)


def _moved_on(state: np.ndarray, newest: np.ndarray) -> np.ndarray:
    """The window (…, filters, memory) one step later, with the newest features (…, filters)."""
    return np.concatenate([state[..., 1:], newest[..., np.newaxis]], axis=-1)


def _over_time(state: np.ndarray, weights: np.ndarray, rank: int) -> np.ndarray:
    """Weighted sums (…, units) over a window (…, filters, memory)."""
    sums = (state * weights).sum(axis=-1)
    return sums.reshape(*sums.shape[:-1], -1, rank).sum(axis=-1)


def _time_weights(time: Tensor, dtype: DType, where: str) -> tuple[np.ndarray, float]:
    if time.data is None or time.dtype is not dtype or time.quant is None or np.any(time.quant.zero_point):
        raise QuantizationError(
            f"the weights in time are {time.dtype.value}, constants of the state's {dtype.value} with zero point 0 are "
            "needed",
            where=where,
        )
    return time.data, time.quant.per_tensor[0]
