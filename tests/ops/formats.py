"""The same cases in other number formats."""

from __future__ import annotations

import enum
from dataclasses import replace

import numpy as np

from edgeq.ir import Blocks, DType, Node, QuantParams, Tensor
from edgeq.ops import OutputRule, QuantRule, find_op
from edgeq.ops.lookup import Curve

from .graphs import Case, random_values


class Finer(enum.Enum):
    """int8 activations with weights of 8 or 4 bits that have zero points, or scales and minima of blocks."""

    EIGHT = "int8 in blocks"
    FOUR = "int4 in blocks"

    @property
    def weights(self) -> DType:
        return DType.INT8 if self is Finer.EIGHT else DType.INT4

    @property
    def range(self) -> tuple[int, int]:
        return DType.INT8.range


#: A number format, that of activations or, where these are int8, of weights.
Format = DType | Finer
#: Types of weights that stand for themselves with int8 activations.
NARROW = tuple(dtype for dtype in DType if dtype.is_narrow)
#: Formats in which operators are compared, as far as each computes in them: types of activations, or of weights.
FORMATS = (DType.INT8, DType.INT16, DType.INT32, DType.INT64, DType.BOOL, *NARROW)
#: Those that get as many cases as int8.
ARITHMETIC = (DType.INT8, DType.INT16, *NARROW, *Finer)
_FINER = 256


def formats_of(op: str) -> tuple[Format, ...]:
    weights = tuple(dtype for dtype in NARROW if {dtype, DType.INT8} <= set(find_op(op).weight_types))
    finer = tuple(Finer) if find_op(op).finer_weights else ()
    return tuple(dtype for dtype in FORMATS if dtype in find_op(op).dtypes + weights) + finer


def results_type(dtype: DType) -> DType:
    """The type of activations in a format."""
    return DType.INT8 if dtype in NARROW else dtype


def as_integers(case: Case, dtype: DType, rng: np.random.Generator) -> Case:
    """The case with plain integers of that type for everything that has a scale."""
    scaled = [t for t in case.graph.tensors.values() if t.quant is not None]
    plain = {
        t.name: Tensor(t.name, t.shape, dtype, data=None if t.data is None else random_values(rng, t.shape, dtype))
        for t in scaled
    }
    graph = replace(case.graph, tensors={**case.graph.tensors, **plain})
    inputs = tuple(
        random_values(rng, x.shape, dtype) if name in plain else x
        for name, x in zip(graph.inputs, case.inputs, strict=True)
    )
    return Case(case.op, graph, inputs)


def with_narrow_weights(case: Case, dtype: DType, rng: np.random.Generator) -> Case:
    """The case with weights of fewer bits and as much larger a scale, and so its bias. Channels without weights stay
    so, if the type has a 0. An even number of channels has no -8, as quantizers leave it out: some kernels do, too."""
    (node,) = case.graph.nodes
    factor = 128 // dtype.range[1] if dtype is not DType.INT4 else 16
    rule = find_op(node.op).quant_rule(node.attrs)
    tensors = dict(case.graph.tensors)
    for name in (node.inputs[rule.weight], *node.inputs[rule.bias : rule.bias + 1]):
        if name:
            t = tensors[name]
            quant = QuantParams(t.quant.scale * np.float32(factor), np.zeros_like(t.quant.zero_point), t.quant.axis)
            if name == node.inputs[rule.weight]:
                data = np.where(t.data == 0, 0, random_values(rng, t.shape, dtype)).astype(np.int8)
                if dtype is DType.INT4 and t.shape[0] % 2 == 0:
                    data = np.maximum(data, -7)
                if dtype is DType.BINARY:
                    data = np.where(data >= 0, 1, -1).astype(np.int8)
                tensors[name] = Tensor(name, t.shape, dtype, quant, data)
            else:
                tensors[name] = replace(t, data=(t.data // factor).astype(np.int32), quant=quant)
    return Case(case.op, replace(case.graph, tensors=tensors), case.inputs)


def in_blocks(case: Case, rng: np.random.Generator, kind: Finer) -> Case:
    """The case with zero points for the channels of its weights, or blocks of eight and more of them, some with minima.
    What the weights amount to stays about as large."""
    (node,) = case.graph.nodes
    rule = find_op(node.op).quant_rule(node.attrs)
    w = case.graph.tensors[node.inputs[rule.weight]]
    channels, count = w.shape[0], w.size // w.shape[0]
    data = random_values(rng, w.shape, kind.weights)
    size = int(rng.choice([0, 8, 16, 32]))
    if size == 0:
        zeros = random_values(rng, (channels,), kind.weights)
        plain = QuantParams(np.ones(channels), zeros, 0)
    else:
        shape = (channels, -(-count // size))
        scales = np.where(rng.random(shape) < 0.1, rng.choice([-128, 0, 127], shape), rng.integers(-99, 100, shape))
        widest = 64 * kind.weights.range[1]
        minima = np.where(rng.random(shape) < 0.05, 32767, rng.integers(-widest, widest, shape))
        plain = QuantParams(
            np.ones(channels), np.zeros(channels), 0, Blocks(size, scales, minima if rng.random() < 0.5 else None)
        )
    spread = np.abs(plain.units(data)).mean() / 64 or 1.0
    quant = replace(plain, scale=(np.broadcast_to(w.quant.scale, (channels,)) / spread).astype(np.float32))
    tensors = {**case.graph.tensors, w.name: Tensor(w.name, w.shape, kind.weights, quant, data)}
    for name in filter(None, node.inputs[rule.bias : rule.bias + 1]):
        t = case.graph.tensors[name]
        x_scale = case.graph.tensors[node.inputs[rule.input]].quant.scale
        integers = np.clip(np.rint(t.data * spread), -(1 << 29), 1 << 29).astype(np.int32)
        tensors[name] = Tensor(
            name, t.shape, DType.INT32, QuantParams(x_scale * quant.scale, np.zeros(channels), 0), integers
        )
    return Case(case.op, replace(case.graph, tensors=tensors), case.inputs)


def with_int8_weights(case: Case) -> Case:
    """The case with the same values in int8 for its narrower weights."""
    tensors = {t.name: replace(t, dtype=DType.INT8) if t.dtype.is_narrow else t for t in case.graph.tensors.values()}
    return Case(case.op, replace(case.graph, tensors=tensors), case.inputs)


def in_int16(case: Case, rng: np.random.Generator) -> Case:
    """The case with int16 activations, 256 times finer and symmetric. Weights stay int8, now and then with a channel
    of another scale; a bias becomes int64, or now and then int32."""
    (node,) = case.graph.nodes
    rule = find_op(node.op).quant_rule(node.attrs)
    wide_bias = node.op == "DEPTHWISE_CONV_2D" or rng.random() < 0.7
    places = {name: index for index, name in enumerate(node.inputs)}
    tensors = {
        t.name: _widened(t, places.get(t.name), rule, rng, wide_bias=wide_bias) for t in case.graph.tensors.values()
    }
    if rule.weight is not None and rng.random() < 0.6:
        weights, *bias = (node.inputs[i] for i in (rule.weight, rule.bias) if i is not None and i < len(node.inputs))
        tensors |= _with_an_odd_channel(tensors[weights], [tensors[name] for name in bias if name], rng)
    if rule.output is OutputRule.FIXED:
        for name in node.outputs:
            tensors[name] = replace(tensors[name], quant=QuantParams(*dict(rule.fixed)[DType.INT16]))
    if isinstance(find_op(node.op), Curve):
        (name,) = node.outputs
        tensors[name] = replace(tensors[name], quant=_covering(node, tensors[node.inputs[0]], rng))
    graph = replace(case.graph, tensors=tensors)
    inputs = tuple(
        random_values(rng, x.shape, tensors[name].dtype) for name, x in zip(graph.inputs, case.inputs, strict=True)
    )
    return Case(case.op, graph, inputs)


def _with_an_odd_channel(w: Tensor, bias: list[Tensor], rng: np.random.Generator) -> dict[str, Tensor]:
    """Weights and bias, by name, with one channel of scales that are thousands of times smaller, or a hundred times
    larger with few and small weights; where channels have scales of their own."""
    if w.quant.scale.size == 1:
        return {}
    channel, shift = int(rng.integers(w.quant.scale.size)), int(rng.choice([-7, -6, 10, 12, 14]))
    if any(np.abs(t.data).max() >= 1 << 29 for t in bias):
        shift = 10  # a switched-off channel: larger scales would make its bias overflow
    factor = np.ones(w.quant.scale.size, np.float32)
    factor[channel] = 2.0**-shift
    found = []
    for t in (w, *bias):
        data = t.data.copy()
        if shift < 0:
            np.moveaxis(data, t.quant.axis, 0)[channel] >>= 6 if t is w else -shift
        found.append(replace(t, data=data, quant=replace(t.quant, scale=t.quant.scale * factor)))
    return {t.name: t for t in found}


def _covering(node: Node, x: Tensor, rng: np.random.Generator) -> QuantParams:
    """A scale for a function's int16 results that covers them, more or less; infinities and what is near aside."""
    (real,) = find_op(node.op).evaluate(node.attrs, x.quant.dequantize(np.arange(-32768, 32767, 64)))
    largest = float(np.quantile(np.abs(real), 0.97)) * 2.0 ** rng.uniform(-1, 1)
    return QuantParams([np.clip(largest, 1e-6, 1e30) / 32767], [0])


def _widened(t: Tensor, place: int | None, rule: QuantRule, rng: np.random.Generator, *, wide_bias: bool) -> Tensor:
    if t.quant is None or place in {constant.operand for constant in rule.symmetric}:
        return t
    if rule.weight is not None and place == rule.weight:
        return replace(t, quant=replace(t.quant, zero_point=np.zeros_like(t.quant.zero_point)))
    quant = QuantParams(t.quant.scale / np.float32(_FINER), np.zeros_like(t.quant.zero_point), t.quant.axis)
    if rule.bias is not None and place == rule.bias:
        dtype = DType.INT64 if wide_bias else DType.INT32
        # the bias of a switched-off channel is huge at its tiny scale
        finer = np.where(np.abs(t.data.astype(np.int64)) < 1 << 29, _FINER, 1) if wide_bias else 1
        data = t.data.astype(np.int64) * finer
        return Tensor(t.name, t.shape, dtype, quant, data.astype(dtype.numpy))
    data = None if t.data is None else random_values(rng, t.shape, DType.INT16)
    return Tensor(t.name, t.shape, DType.INT16, quant, data)
