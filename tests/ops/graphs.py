"""Builders of one-operator graphs with random contents."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from edgeq.ir import DType, Graph, Node, QuantParams, Tensor, verify_graph
from edgeq.ops import find_op

VECTORS = 3


@dataclass(frozen=True, eq=False)
class Case:
    """A graph of one node and an array (n, *shape) of n vectors for each of its inputs."""

    op: str
    graph: Graph
    inputs: tuple[np.ndarray, ...]

    def __str__(self) -> str:
        return f"{self.op} {self.inputs[0].dtype} {self.graph.nodes[0].attrs}"


def zero_point(rng: np.random.Generator) -> int:
    """Any zero point of int8, both ends of the range and 0 more often than others."""
    return int(rng.choice([-128, 127, 0, int(rng.integers(-128, 128))]))


def scale(rng: np.random.Generator, near: float = 0.05) -> float:
    """A scale within a factor of four of `near`, with a full float32 mantissa."""
    return float(np.float32(near * 4.0 ** rng.uniform(-1, 1)))


def quant(rng: np.random.Generator, near: float = 0.05) -> QuantParams:
    """A random per-tensor quantization."""
    return QuantParams([scale(rng, near)], [zero_point(rng)])


def activation_input(name: str, shape: Sequence[int], quantization: QuantParams) -> Tensor:
    """A runtime int8 tensor."""
    return Tensor(name, tuple(shape), DType.INT8, quantization)


def constant(name: str, values: np.ndarray, quantization: QuantParams | None = None) -> Tensor:
    """A constant of int8 or int32."""
    return Tensor(name, values.shape, DType(values.dtype.name), quantization, values)


def random_values(rng: np.random.Generator, shape: Sequence[int], dtype: DType) -> np.ndarray:
    """Values over all of an integer type, its ends more often than others; normal ones of a float type."""
    if dtype in (DType.FLOAT16, DType.FLOAT32):
        return rng.standard_normal(shape).astype(dtype.numpy)
    low, high = dtype.range
    values = rng.integers(low, high, shape, dtype.numpy, endpoint=True)
    ends = rng.choice([low, high], shape)
    return np.where(rng.random(shape) < 0.1, ends, values).astype(dtype.numpy)


def int8_values(rng: np.random.Generator, shape: Sequence[int]) -> np.ndarray:
    return random_values(rng, shape, DType.INT8)


def shape_of(rng: np.random.Generator, rank: int) -> tuple[int, ...]:
    """A small shape; the first of several axes is 1 or 2."""
    shape = rng.integers(1, 6, rank)
    if rank > 1:
        shape[0] = rng.integers(1, 3)
    return tuple(int(d) for d in shape)


def one_node(
    rng: np.random.Generator,
    op: str,
    operands: Sequence[Tensor | None],
    output: QuantParams | None,
    attrs: Any = None,
    dtype: DType = DType.INT8,
) -> Case:
    """A case of one node. Operands without data are the graph's inputs; the operator infers the results' shapes, their
    type is `dtype`."""
    shapes = find_op(op).infer(attrs, *operands)
    names = ("y",) if len(shapes) == 1 else tuple(f"y{i}" for i in range(len(shapes)))
    results = {name: Tensor(name, shape, dtype, output) for name, shape in zip(names, shapes, strict=True)}
    node = Node(op, tuple(t.name if t else "" for t in operands), names, attrs, loc=op.lower())
    present = {t.name: t for t in operands if t is not None}
    runtime = tuple(name for name, t in present.items() if not t.is_constant)
    graph = Graph(op.lower(), {**present, **results}, (node,), runtime, names)
    verify_graph(graph, "test case")
    drawn = (random_values(rng, (VECTORS,) + present[name].shape, present[name].dtype) for name in runtime)
    return Case(op, graph, tuple(drawn))


def weights(rng: np.random.Generator, shape: Sequence[int], axis: int | None) -> Tensor:
    """Symmetric int8 weights, per channel along `axis` or per tensor where it is None."""
    count = 1 if axis is None else shape[axis]
    quantization = QuantParams([scale(rng, 0.01) for _ in range(count)], [0] * count, axis)
    values = np.maximum(int8_values(rng, shape), -127)
    return constant("w", values, quantization)


def bias(rng: np.random.Generator, x: Tensor, w: Tensor, channels: int, fan_in: int) -> Tensor:
    """An int32 bias about as large as the sum it is added to."""
    spread = 5000 * int(np.sqrt(fan_in)) + 1
    quantization = QuantParams(
        x.quant.scale[0] * w.quant.scale, [0] * w.quant.scale.size, None if w.quant.axis is None else 0
    )
    return constant("b", rng.integers(-spread, spread, channels).astype(np.int32), quantization)


def idle_channel(w: Tensor, b: Tensor, channel: int, axis: int) -> tuple[Tensor, Tensor]:
    """Weights and bias with one channel as converters leave those that training switched off: no weight, a tiny scale,
    and a bias that is huge at that scale."""
    values, scales, biases = w.data.copy(), w.quant.scale.copy(), b.data.copy()
    np.moveaxis(values, axis, 0)[channel] = 0
    scales[channel] = 1e-9
    biases[channel] = -(1 << 30)
    per_channel = QuantParams(scales, [0] * scales.size, axis)
    # a bias's scale is the input's times the weights'
    bias_quant = QuantParams(b.quant.scale * (scales / w.quant.scale), [0] * scales.size, 0)
    return constant("w", values, per_channel), constant("b", biases, bias_quant)


def from_zero(quantization: QuantParams) -> QuantParams:
    """The same scale for what is never negative: converters let results of a ReLU begin at −128."""
    return QuantParams(quantization.scale, [-128])


def sum_quant(rng: np.random.Generator, x: Tensor, w: Tensor, fan_in: int) -> QuantParams:
    """A quantization for sums of `fan_in` products: most results stay inside int8's range, some saturate."""
    typical = float(x.quant.scale[0]) * float(np.median(w.quant.scale)) * 127 * 73 * np.sqrt(fan_in)
    return quant(rng, typical / 60)
