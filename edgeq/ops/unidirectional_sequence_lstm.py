"""UNIDIRECTIONAL_SEQUENCE_LSTM: TFLite's LSTM with int8 or int16 activations, int8 weights and an int16 cell state.

Gates stand in TFLite's order: input, forget, cell, output. Before their activations they are Q3.12, behind them Q0.15;
the cell state's scale is a power of two.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from edgeq import fixedpoint_math as gemmlowp
from edgeq.errors import QuantizationError
from edgeq.fixedpoint import (
    Dialect,
    quantize_multiplier,
    requantize,
    requantize_wide,
    rounding_divide_by_pot,
)
from edgeq.ir import DType, Graph, Node, Tensor, frozen_array
from edgeq.ops import register, sigmoid16
from edgeq.ops.base import (
    Carried,
    Lowered,
    Op,
    Product,
    QuantRule,
    activation_type,
    affine,
    check_accumulator,
    require,
)
from edgeq.ops.exact import float_type
from edgeq.ops.weighted import check_sum, symmetric_weights

GATES = ("input", "forget", "cell", "output")
CELL = GATES.index("cell")
#: Where TFLite keeps the operands.
X, WEIGHTS, RECURRENT, PEEPHOLES, BIASES, PROJECTION, NORMS = 0, 1, 5, (9, 10, 11), 12, (16, 17), (20, 21, 22, 23)
HIDDEN_STATE, CELL_STATE = 18, 19
OPERANDS = 20
#: Exponents of the cell state's scale for which its integers have 0 to 6 integer bits.
CELL_EXPONENTS = range(-15, -8)
#: The least one that is computed: TFLite is undefined below, where converters go with cell states far below 1/2. Its
#: integers are brought to 2^-15 before tanh.
LEAST_CELL_EXPONENT = -20
#: Those that we choose from: cell states below 4 may grow to it on the way.
_CHOSEN_EXPONENTS = CELL_EXPONENTS[2:]
_GATE_BITS = 12
_INT16 = (-32768, 32767)


@dataclass(frozen=True)
class LstmAttrs:
    """time_major: the sequence is (steps, batch, …), otherwise (batch, steps, …). cell_clip: limit of the cell state's
    magnitude, 0 for none. sequences: the first result has every step's hidden state, otherwise the last one's only.
    product: (scale, zero point) with which a file has o·tanh(c) become the hidden state, None for the state's own."""

    time_major: bool = False
    cell_clip: float = 0.0
    sequences: bool = True
    product: tuple[float, int] | None = None


@dataclass(frozen=True, eq=False)
class LstmParams:
    """Integers of an LSTM; arrays have one entry per gate, in TFLite's order.

    tables: 1 for gates by interpolated tables (TFLite Micro and CMSIS-NN), 0 for gemmlowp's functions (TFLite).
    carries: 1 where the states before the first step are operands, otherwise they are 0.
    weights: int8 (4, units, depth). recurrent: int8 (4, units, units).
    biases, recurrent_biases: (4, units) with the zero points' share; int32 of int8 activations, int64 of int16.
    multipliers, shifts: int32 (4,): from sums of `weights` to Q3.12; recurrent_…: of `recurrent`.
    cell_exponent: the cell state's scale is 2 to this power. cell_clip: 0 for none.
    forget_…, input_…: from a gate times the cell state, or two gates, to the cell state (with tables only).
    output_…: from the output gate times tanh(cell state) to the hidden state. hidden_zero: added to it, and 0 as one.
    """

    dtype: str
    tables: int
    carries: int
    time_major: int
    sequences: int
    batches: int
    steps: int
    depth: int
    units: int
    weights: np.ndarray
    recurrent: np.ndarray
    biases: np.ndarray
    recurrent_biases: np.ndarray
    multipliers: tuple[int, ...]
    shifts: tuple[int, ...]
    recurrent_multipliers: tuple[int, ...]
    recurrent_shifts: tuple[int, ...]
    cell_exponent: int
    cell_clip: int
    forget_multiplier: int
    forget_shift: int
    input_multiplier: int
    input_shift: int
    output_multiplier: int
    output_shift: int
    hidden_zero: int


@register
class UnidirectionalSequenceLstm(Op):
    """Of each step: i, f, o = σ(W·x + R·h + b), g = tanh(W·x + R·h + b), c ← f·c + i·g, h ← o·tanh(c).

    Operands as in TFLite, up to the cell state; the last two may be absent, which starts from 0. Results: the hidden
    states, and hidden and cell state behind the last step. Peepholes, projections, layer normalization and coupled
    gates are refused: CMSIS-NN has none of them.
    """

    name = "UNIDIRECTIONAL_SEQUENCE_LSTM"
    Attrs = LstmAttrs
    Params = LstmParams
    dtypes = (DType.INT8, DType.INT16)
    variables = ((HIDDEN_STATE, 1), (CELL_STATE, 2))

    def infer(
        self, attrs: LstmAttrs, x: Tensor,
        wi: Tensor | None = None, wf: Tensor | None = None, wc: Tensor | None = None, wo: Tensor | None = None,
        ri: Tensor | None = None, rf: Tensor | None = None, rc: Tensor | None = None, ro: Tensor | None = None,
        pi: Tensor | None = None, pf: Tensor | None = None, po: Tensor | None = None,
        bi: Tensor | None = None, bf: Tensor | None = None, bc: Tensor | None = None, bo: Tensor | None = None,
        projection: Tensor | None = None, projection_bias: Tensor | None = None,
        hidden: Tensor | None = None, cell: Tensor | None = None,
        ni: Tensor | None = None, nf: Tensor | None = None, nc: Tensor | None = None, no: Tensor | None = None,
    ) -> tuple[tuple[int, ...], ...]:  # fmt: skip
        for what, operands in (
            ("peephole connections", (pi, pf, po)),
            ("a projection", (projection, projection_bias)),
            ("layer normalization of its gates", (ni, nf, nc, no)),
        ):
            require(
                not any(t is not None for t in operands), f"an LSTM with {what} is not supported; build one without"
            )
        require(wi is not None and ri is not None, "an LSTM with coupled input and forget gates is not supported")
        require(len(x.shape) == 3, f"needs sequences of vectors, has shape {list(x.shape)}")
        require(len(wi.shape) == 2, f"needs a matrix of weights, has shape {list(wi.shape)}")
        units, depth = wi.shape
        first, second, last = x.shape
        require(last == depth and min(units, *x.shape) > 0, f"a sequence {list(x.shape)} does not fit depth {depth}")
        for kind, shape, operands in (
            ("weights", (units, depth), (wi, wf, wc, wo)),
            ("recurrent weights", (units, units), (ri, rf, rc, ro)),
            ("biases", (units,), (bi, bf, bc, bo)),
        ):
            fits = all(t is not None and t.shape == shape for t in operands)
            require(fits, f"each gate needs {kind} of shape {list(shape)}")
        batches = second if attrs.time_major else first
        require((hidden is None) == (cell is None), "one of the two states is missing")
        for state in filter(None, (hidden, cell)):
            require(state.shape == (batches, units), f"a state has shape {list(state.shape)}, not {[batches, units]}")
        require(0 <= attrs.cell_clip < math.inf, f"the cell state is limited to {attrs.cell_clip}")
        states = (batches, units)
        return ((first, second, units) if attrs.sequences else states), states, states

    def macs(self, attrs: LstmAttrs, inputs: tuple[Tensor | None, ...], outputs: tuple[Tensor, ...]) -> int:
        units, depth = inputs[WEIGHTS].shape
        return inputs[X].size // depth * 4 * units * (depth + units)

    def reach(self, attrs: LstmAttrs, *inputs: Tensor | None) -> tuple[float, ...]:
        """Hidden states below 1 in steps of 2^−15; cell states twice as large have room too."""
        return 1.0 - 2.0**-15, 1.0 - 2.0**-15, 8.0

    def quant_rule(self, attrs: LstmAttrs) -> QuantRule:
        gates = range(4)
        return QuantRule(
            products=(
                *(Product(WEIGHTS + g, bias=BIASES + g) for g in gates),
                *(Product(RECURRENT + g) for g in gates),
            ),
            carried=(Carried(HIDDEN_STATE, (0, 1)), Carried(CELL_STATE, (2,), DType.INT16, powers=_CHOSEN_EXPONENTS)),
        )

    def evaluate(self, attrs: LstmAttrs, *operands: np.ndarray | None) -> tuple[np.ndarray, ...]:
        operands += (None,) * (OPERANDS - len(operands))
        x, w, r, b = operands[X], *(_stacked(operands, at) for at in (WEIGHTS, RECURRENT, BIASES))
        n, batches = x.shape[0], x.shape[2 if attrs.time_major else 1]
        units = b.shape[1]
        zeros = np.zeros((n, batches, units), np.float32)
        h, c = (
            zeros if s is None else np.broadcast_to(s, zeros.shape) for s in operands[HIDDEN_STATE : CELL_STATE + 1]
        )
        hidden = []
        for step in steps_of(x, attrs.time_major):
            i, f, g, o = (step @ w[gate].T + h @ r[gate].T + b[gate] for gate in range(4))
            i, f, o = (0.5 * np.tanh(0.5 * gate) + 0.5 for gate in (i, f, o))
            c = f * c + i * np.tanh(g)
            if attrs.cell_clip > 0:
                c = np.clip(c, -attrs.cell_clip, attrs.cell_clip)
            h = o * np.tanh(c)
            hidden.append(h)
        y = np.stack(hidden, 1 if attrs.time_major else 2) if attrs.sequences else h
        return y.astype(np.float32), h.astype(np.float32), c.astype(np.float32)

    def lower(self, node: Node, graph: Graph, dialect: Dialect) -> Lowered:
        attrs: LstmAttrs = node.attrs
        operands = graph.operands(node) + (None,) * (OPERANDS - len(node.inputs))
        y, h, c = graph.results(node)
        x, carried = operands[X], operands[HIDDEN_STATE : CELL_STATE + 1]
        dtype = activation_type(self, node.loc, x, y, h)
        input_scale, input_zero = affine(x, node.loc, dtype)
        hidden_scale, hidden_zero = affine(h, node.loc, dtype)
        cell_scale, _ = affine(c, node.loc, DType.INT16)
        _check_states(node, y, h, c, carried)
        exponent = round(math.log2(cell_scale))
        if abs(math.log2(cell_scale) - exponent) > 1e-3 or not LEAST_CELL_EXPONENT <= exponent <= CELL_EXPONENTS[-1]:
            raise QuantizationError(
                f"the cell state's scale is {cell_scale:g}, a power of two from 2^{LEAST_CELL_EXPONENT} to "
                f"2^{CELL_EXPONENTS[-1]} is needed",
                where=node.loc,
            )
        weights, recurrent = _stacked_weights(operands, WEIGHTS, node), _stacked_weights(operands, RECURRENT, node)
        biases = _stacked_biases(operands, dtype, node.loc) - input_zero * weights.sum(axis=2, dtype=np.int64)
        recurrent_biases = -hidden_zero * recurrent.sum(axis=2, dtype=np.int64)
        factors = [_factors(operands, WEIGHTS, input_scale), _factors(operands, RECURRENT, hidden_scale)]
        wide = np.int64 if dtype is DType.INT16 else np.int32
        bound = 0
        for w, b, (multipliers, shifts) in zip((weights, recurrent), (biases, recurrent_biases), factors, strict=True):
            reach = -dtype.range[0]
            sums = int((np.abs(w.astype(np.int64)).sum(axis=2) * reach + np.abs(b)).max(initial=0))
            check = check_sum if wide is np.int64 else lambda s, _, __, shift, where: check_accumulator(s, shift, where)
            bound = max(bound, check(sums, b, np.array(multipliers), np.array(shifts), node.loc))
        tables = dtype is DType.INT16 or dialect is Dialect.MICRO
        product_scale, product_zero = attrs.product or (hidden_scale, hidden_zero)
        if carried[0] is None and product_zero != hidden_zero:
            raise QuantizationError("the hidden state and what it is made of differ in zero point", where=node.loc)
        output_factor = 2.0**-30 / product_scale
        # TFLite keeps this quotient in a float
        output = quantize_multiplier(output_factor if tables else float(np.float32(output_factor)))
        forget, update = quantize_multiplier(2.0**-15), quantize_multiplier(2.0 ** (-30 - exponent))
        units, depth = weights.shape[1:]
        first, second, _ = x.shape
        params = LstmParams(
            dtype=dtype.value,
            tables=int(tables),
            carries=int(carried[0] is not None),
            time_major=int(attrs.time_major),
            sequences=int(attrs.sequences),
            batches=second if attrs.time_major else first,
            steps=first if attrs.time_major else second,
            depth=depth,
            units=units,
            weights=frozen_array(weights),
            recurrent=frozen_array(recurrent),
            biases=frozen_array(biases, wide),
            recurrent_biases=frozen_array(recurrent_biases, wide),
            multipliers=factors[0][0],
            shifts=factors[0][1],
            recurrent_multipliers=factors[1][0],
            recurrent_shifts=factors[1][1],
            cell_exponent=exponent,
            cell_clip=_clip(attrs.cell_clip, cell_scale),
            forget_multiplier=forget[0],
            forget_shift=forget[1],
            input_multiplier=update[0],
            input_shift=update[1],
            output_multiplier=output[0],
            output_shift=output[1],
            hidden_zero=product_zero,
        )
        names = (x.name, *(t.name for t in carried if t is not None))
        return Lowered(params, names, bound, 8 * np.dtype(wide).itemsize)

    def simulate(self, p: LstmParams, x: np.ndarray, *carried: np.ndarray) -> tuple[np.ndarray, ...]:
        dtype = DType(p.dtype)
        shape = (x.shape[0], p.batches, p.units)
        h, c = carried if p.carries else (np.full(shape, p.hidden_zero), np.zeros(shape))
        h, c = (np.broadcast_to(s, shape).astype(np.int64) for s in (h, c))
        hidden = []
        for step in steps_of(x, p.time_major):
            i, f, g, o = (_activated(p, gate, _pre_activation(p, gate, step, h)) for gate in range(4))
            c = _cell(p, i, f, g, c)
            product = o * _tanh_of_cell(p, c)
            h = requantize(product, p.output_multiplier, p.output_shift) + p.hidden_zero
            h = np.clip(h, *dtype.range)
            hidden.append(h)
        y = np.stack(hidden, 1 if p.time_major else 2) if p.sequences else h
        return y.astype(dtype.numpy), h.astype(dtype.numpy), c.astype(np.int16)


def steps_of(x: np.ndarray, time_major: int) -> np.ndarray:
    """Sequences (n, batch, steps, depth), or (n, steps, batch, depth), as (steps, n, batch, depth)."""
    return np.moveaxis(x, 1 if time_major else 2, 0)


def _stacked(operands: tuple[np.ndarray, ...], at: int) -> np.ndarray:
    return np.stack([operands[at + gate][0] for gate in range(4)])


def _stacked_weights(operands: tuple[Tensor, ...], at: int, node: Node) -> np.ndarray:
    """int8 (4, units, depth); raises QuantizationError for others than symmetric constants with one scale."""
    for tensor in operands[at : at + 4]:
        if tensor.quant is not None and tensor.quant.scale.size > 1:
            raise QuantizationError("an LSTM's weights need one scale per gate, not per channel", where=node.loc)
    return np.stack([symmetric_weights(tensor, node.loc, axis=0) for tensor in operands[at : at + 4]])


def _stacked_biases(operands: tuple[Tensor, ...], dtype: DType, where: str) -> np.ndarray:
    allowed = (DType.INT32, DType.INT64) if dtype is DType.INT16 else (DType.INT32,)
    for tensor in operands[BIASES : BIASES + 4]:
        if tensor.data is None or tensor.dtype not in allowed:
            raise QuantizationError(f"the bias is {tensor.dtype.value}, a constant int32 is needed", where=where)
    return np.stack([tensor.data.astype(np.int64) for tensor in operands[BIASES : BIASES + 4]])


def _factors(operands: tuple[Tensor, ...], at: int, scale: float) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """(multipliers, shifts) of the four gates, from float32 products of scales, as TFLite computes them."""
    scales = [np.float32(tensor.quant.scale[0]) * np.float32(scale) for tensor in operands[at : at + 4]]
    pairs = [quantize_multiplier(float(s) * (1 << _GATE_BITS)) for s in scales]
    return tuple(m for m, _ in pairs), tuple(s for _, s in pairs)


def _check_states(node: Node, y: Tensor, h: Tensor, c: Tensor, carried: tuple[Tensor | None, ...]) -> None:
    pairs = [(h if i == 0 else c, t) for i, t in enumerate(carried) if t is not None]
    # files may give the result another scale than the hidden state, as for a concatenation after it: TFLite copies it
    if not pairs:
        pairs.append((h, y))
    for after, before in pairs:
        if (after.dtype, after.quant) != (before.dtype, before.quant):
            raise QuantizationError(
                f"{before.name!r} and {after.name!r} differ in type or quantization, a state's must stay",
                where=node.loc,
            )


def _clip(real: float, scale: float) -> int:
    ratio = np.float32(real) / np.float32(scale)
    return int(min(max(ratio, np.float32(-32768.0)), np.float32(32767.0)))


def _sums(w: np.ndarray, x: np.ndarray, bias: np.ndarray) -> np.ndarray:
    bound = int(np.abs(w.astype(np.int64)).sum(axis=1).max(initial=0)) << 15
    exact = float_type(bound)
    return (x.astype(exact) @ w.astype(exact).T).astype(np.int64) + bias


def _pre_activation(p: LstmParams, gate: int, x: np.ndarray, h: np.ndarray) -> np.ndarray:
    """Q3.12; saturated behind each of the two products."""
    scaled = requantize_wide if p.dtype == DType.INT16.value else requantize
    total = scaled(_sums(p.weights[gate], x, p.biases[gate]), p.multipliers[gate], p.shifts[gate])
    total = np.clip(total, *_INT16)
    recurrent = _sums(p.recurrent[gate], h, p.recurrent_biases[gate])
    return np.clip(total + scaled(recurrent, p.recurrent_multipliers[gate], p.recurrent_shifts[gate]), *_INT16)


def _activated(p: LstmParams, gate: int, x: np.ndarray) -> np.ndarray:
    """Q0.15 of Q3.12."""
    if p.tables:
        function = sigmoid16.tanh if gate == CELL else sigmoid16.logistic
        return function(sigmoid16.SigmoidParams(x.size, 3, 0), x).astype(np.int64)
    return gemmlowp.tanh16(x, 3) if gate == CELL else gemmlowp.logistic16(x)


def _tanh_of_cell(p: LstmParams, c: np.ndarray) -> np.ndarray:
    if p.tables:
        left = p.cell_exponent + _GATE_BITS
        return sigmoid16.tanh(sigmoid16.SigmoidParams(c.size, 3 << max(left, 0), max(-left, 0)), c).astype(np.int64)
    bits = 15 + p.cell_exponent
    return gemmlowp.tanh16(rounding_divide_by_pot(c, max(-bits, 0)), max(bits, 0))


def _cell(p: LstmParams, i: np.ndarray, f: np.ndarray, g: np.ndarray, c: np.ndarray) -> np.ndarray:
    """f·c + i·g, each product rounded: by requantization with tables, otherwise once, ties away from zero."""
    if p.tables:
        kept = np.clip(requantize(f * c, p.forget_multiplier, p.forget_shift), *_INT16)
        c = kept + requantize(i * g, p.input_multiplier, p.input_shift)
    else:
        c = rounding_divide_by_pot(f * c, 15) + rounding_divide_by_pot(i * g, 30 + p.cell_exponent)
    limits = (-p.cell_clip, p.cell_clip) if p.cell_clip > 0 else _INT16
    return np.clip(c, *limits)
