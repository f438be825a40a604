"""What GRU and SIMPLE_RNN share: sequences, sums of products, and the hidden state.

Both are edgeq's own operators: TFLite has them as loops or unrolled, in which eight bits wear the state out. Here the
hidden state is int16 with scale 2^−15, whatever the activations' type; pre-activations are Q3.12, saturated, and gates
Q0.15 by the table of `edgeq.ops.sigmoid16`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from edgeq.errors import QuantizationError
from edgeq.fixedpoint import Dialect, quantize_multiplier, quantize_multipliers, requantize, requantize_wide, saturate
from edgeq.ir import DType, Graph, Node, Tensor, frozen_array
from edgeq.ops import sigmoid16
from edgeq.ops.base import Carried, Lowered, Op, Product, QuantRule, SymmetricConstant, activation_type, affine, require
from edgeq.ops.exact import float_type, product_bound
from edgeq.ops.weighted import check_sum, symmetric_weights

#: The hidden state's scale: it lies between −1 and 1.
HIDDEN_SCALE = 2.0**-15
#: Fractional bits of pre-activations.
GATE_BITS = 12
INT16 = (-32768, 32767)


@dataclass(frozen=True)
class RecurrentAttrs:
    """sequences: the first result has every step's hidden state, otherwise the last one's only.
    reset_after: a GRU's reset gate multiplies the product with the recurrent weights, otherwise the state before it."""

    sequences: bool = True
    reset_after: bool = True


@dataclass(frozen=True, eq=False)
class RecurrentParams:
    """Integers of a recurrent layer; rows are units of one gate after the other.

    carries: 1 where the hidden state before the first step is an operand, otherwise it is 0.
    weights: int8 (rows, depth). recurrent: int8 (rows, units). biases, recurrent_biases: int64 (rows,), added to the
        sums. multipliers, shifts: int32 (rows,), from these sums to Q3.12; recurrent_…: of `recurrent`.
    output_…: from the hidden state to the first result.
    """

    dtype: str
    gates: int
    carries: int
    sequences: int
    reset_after: int
    batches: int
    steps: int
    depth: int
    units: int
    input_offset: int
    weights: np.ndarray
    recurrent: np.ndarray
    biases: np.ndarray
    recurrent_biases: np.ndarray
    multipliers: np.ndarray
    shifts: np.ndarray
    recurrent_multipliers: np.ndarray
    recurrent_shifts: np.ndarray
    output_multiplier: int
    output_shift: int
    output_offset: int


class Recurrent(Op):
    """Operands: a sequence (batch, steps, depth); weights (rows, depth) and recurrent weights (rows, units), rows =
    gates · units; biases of both, (rows,); and maybe the hidden state before the first step. Results: the hidden
    states, and the one behind the last step.

    Attributes:
        gates: how many.
    """

    Attrs = RecurrentAttrs
    Params = RecurrentParams
    dtypes = (DType.INT8, DType.INT16)
    own = True
    gates: ClassVar[int]

    def next_state(self, attrs: RecurrentAttrs, x: np.ndarray, h: np.ndarray, product: Callable) -> np.ndarray:
        """The float hidden state: x is W·x + b of a step (…, rows), product(h) is U·h + b."""
        raise NotImplementedError

    def step(self, p: RecurrentParams, x: np.ndarray, h: np.ndarray) -> np.ndarray:
        """The same in integers: x Q3.12, h Q0.15."""
        raise NotImplementedError

    def infer(
        self, attrs: RecurrentAttrs, x: Tensor, w: Tensor, u: Tensor, b: Tensor, c: Tensor, hidden: Tensor | None = None
    ) -> tuple[tuple[int, ...], ...]:
        require(len(x.shape) == 3, f"needs sequences of vectors, has shape {list(x.shape)}")
        require(len(u.shape) == 2 and min(u.shape) > 0, f"recurrent weights have shape {list(u.shape)}")
        batches, steps, depth = x.shape
        rows, units = u.shape
        require(min(x.shape) > 0 and rows == self.gates * units, f"{rows} rows are not {self.gates} gates of {units}")
        require(w.shape == (rows, depth), f"weights of shape {list(w.shape)} do not fit, {[rows, depth]} do")
        require(b.shape == c.shape == (rows,), f"the biases need {rows} elements")
        state = (batches, units)
        require(hidden is None or hidden.shape == state, f"the hidden state needs shape {list(state)}")
        return ((batches, steps, units) if attrs.sequences else state), state

    def macs(self, attrs: Any, inputs: tuple[Tensor | None, ...], outputs: tuple[Tensor, ...]) -> int:
        batches, steps, depth = inputs[0].shape
        rows, units = inputs[2].shape
        return batches * steps * rows * (depth + units)

    def reach(self, attrs: RecurrentAttrs, *inputs: Tensor | None) -> tuple[float, ...]:
        return 1.0, 1.0

    def quant_rule(self, attrs: RecurrentAttrs) -> QuantRule:
        return QuantRule(
            symmetric=(SymmetricConstant(3, DType.INT32), SymmetricConstant(4, DType.INT32)),
            products=(Product(1, axis=0), Product(2, axis=0)),
            carried=(Carried(5, (1,), DType.INT16, HIDDEN_SCALE),),
        )

    def evaluate(
        self,
        attrs: RecurrentAttrs,
        x: np.ndarray,
        w: np.ndarray,
        u: np.ndarray,
        b: np.ndarray,
        c: np.ndarray,
        hidden: np.ndarray | None = None,
    ) -> tuple[np.ndarray, ...]:
        shape = (*x.shape[:2], u.shape[2])
        h = np.zeros(shape, np.float32) if hidden is None else np.broadcast_to(hidden, shape)
        states = []
        for step in np.moveaxis(x, 2, 0):
            h = self.next_state(
                attrs, step @ w[0].T + b[0], h, lambda v, rows=slice(None): v @ u[0][rows].T + c[0][rows]
            )
            states.append(h)
        y = np.stack(states, 2) if attrs.sequences else h
        return y.astype(np.float32), h.astype(np.float32)

    def lower(self, node: Node, graph: Graph, dialect: Dialect) -> Lowered:
        attrs: RecurrentAttrs = node.attrs
        x, w, u, b, c, *rest = graph.operands(node)
        hidden = rest[0] if rest else None
        y, h = graph.results(node)
        dtype = activation_type(self, node.loc, x, y)
        input_scale, input_zero = affine(x, node.loc, dtype)
        output_scale, output_zero = affine(y, node.loc, dtype)
        for state in filter(None, (hidden, h)):
            if affine(state, node.loc, DType.INT16) != (HIDDEN_SCALE, 0):
                raise QuantizationError(f"the hidden state {state.name!r} needs a scale of 2^-15", where=node.loc)
        weights, recurrent = symmetric_weights(w, node.loc, axis=0), symmetric_weights(u, node.loc, axis=0)
        rows, units = recurrent.shape
        parts, bound = [], 0
        for values, scale, tensor, offsets, kind, zero in (
            (weights, input_scale, w, b, dtype, input_zero),
            (recurrent, HIDDEN_SCALE, u, c, DType.INT16, 0),
        ):
            scales = np.broadcast_to(tensor.quant.scale.astype(np.float64) * scale, (rows,))
            biases = np.rint(_real(offsets, node.loc) / scales)
            if not np.all(np.abs(biases) < 2.0**46):
                raise QuantizationError("a bias is too large for its weights' scale", where=node.loc)
            multipliers, shifts = quantize_multipliers(scales * (1 << GATE_BITS))
            sums = product_bound(values, -zero, (1,), kind)
            if kind is DType.INT8 and sums >= 1 << 31:
                raise QuantizationError("the int32 accumulator can overflow", where=node.loc, hint="reduce the fan-in")
            biases = biases.astype(np.int64)
            total = sums + int(np.abs(biases).max())
            bound = max(bound, check_sum(total, biases, multipliers, shifts, node.loc))
            parts.append((frozen_array(biases), frozen_array(multipliers), frozen_array(shifts)))
        output = quantize_multiplier(HIDDEN_SCALE / output_scale)
        batches, steps, depth = x.shape
        params = RecurrentParams(
            dtype=dtype.value,
            gates=self.gates,
            carries=int(hidden is not None),
            sequences=int(attrs.sequences),
            reset_after=int(attrs.reset_after),
            batches=batches,
            steps=steps,
            depth=depth,
            units=units,
            input_offset=-input_zero,
            weights=frozen_array(weights),
            recurrent=frozen_array(recurrent),
            biases=parts[0][0],
            recurrent_biases=parts[1][0],
            multipliers=parts[0][1],
            shifts=parts[0][2],
            recurrent_multipliers=parts[1][1],
            recurrent_shifts=parts[1][2],
            output_multiplier=output[0],
            output_shift=output[1],
            output_offset=output_zero,
        )
        if output[1] > 14:
            raise QuantizationError("the result's scale is too small for a hidden state below 1", where=node.loc)
        return Lowered(params, (x.name, *((hidden.name,) if hidden is not None else ())), bound, 64)

    def simulate(self, p: RecurrentParams, x: np.ndarray, *hidden: np.ndarray) -> tuple[np.ndarray, ...]:
        shape = (x.shape[0], p.batches, p.units)
        h = np.broadcast_to(hidden[0], shape).astype(np.int64) if p.carries else np.zeros(shape, np.int64)
        exact = float_type(product_bound(p.weights, p.input_offset, (1,), DType(p.dtype)))
        gates = (x.astype(exact) + exact(p.input_offset)) @ p.weights.astype(exact).T
        gates = saturated(requantize_wide(gates.astype(np.int64) + p.biases, p.multipliers, p.shifts))
        states = []
        for step in np.moveaxis(gates, 2, 0):
            h = self.step(p, step, h)
            states.append(h)
        y = np.stack(states, 2) if p.sequences else h
        dtype = DType(p.dtype)
        y = requantize(y, p.output_multiplier, p.output_shift) + p.output_offset
        return saturate(y, *dtype.range, dtype.numpy), h.astype(np.int16)


def recurrent_product(p: RecurrentParams, h: np.ndarray, rows: slice = slice(None)) -> np.ndarray:
    """U·h + b in Q3.12, saturated, of some rows."""
    sums = (h.astype(np.float64) @ p.recurrent[rows].astype(np.float64).T).astype(np.int64) + p.recurrent_biases[rows]
    return saturated(requantize_wide(sums, p.recurrent_multipliers[rows], p.recurrent_shifts[rows]))


def saturated(x: np.ndarray) -> np.ndarray:
    return np.clip(x, *INT16)


def logistic(x: np.ndarray) -> np.ndarray:
    """Q0.15 of Q3.12, saturated to it first."""
    return sigmoid16.logistic(sigmoid16.SigmoidParams(x.size, 3, 0), saturated(x)).astype(np.int64)


def tanh(x: np.ndarray) -> np.ndarray:
    """Q0.15 of Q3.12, saturated to it first."""
    return sigmoid16.tanh(sigmoid16.SigmoidParams(x.size, 3, 0), saturated(x)).astype(np.int64)


def rounded_product(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """a · b / 2^15, rounded, ties up."""
    return (a * b + (1 << 14)) >> 15


def _real(constant: Tensor, where: str) -> np.ndarray:
    """float64 values of a bias."""
    if constant.data is None or constant.dtype is not DType.INT32 or constant.quant is None:
        raise QuantizationError("biases must be int32 constants with a scale", where=where)
    return constant.quant.scale.astype(np.float64) * constant.data
