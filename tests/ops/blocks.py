"""Cases of operators on blocks, made of those of the operators that they stand for, and what their results mean."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from edgeq.fixedpoint import Dialect
from edgeq.fixedpoint_scales import pair, scale_of
from edgeq.ir import DType, Graph, Node, QuantParams, Tensor, verify_graph
from edgeq.ops import Activation, find_op
from edgeq.ops.dynamic_ranged import RangedAttrs

from .graphs import VECTORS, Case, constant, random_values, zero_point

PLAIN = QuantParams([1.0], [0])
#: Sums are exact up to the rounding of constants to 31 bits: in parts of 2^-20 of the largest one, or steps.
SUM_BOUND = 2.0
PARTS = 1 << 20
#: A block's step for rounding to it and to its zero point.
RANGED_BOUND = 1.0001


def random_scales(rng: np.random.Generator, near: float) -> np.ndarray:
    """(VECTORS, 2): two scales within a factor of 16 of `near`, one far away, with mantissas at the ends of their range
    now and then. Products of two are float32 numbers."""
    scales = np.array([scale_of(near * 16.0 ** rng.uniform(-1, 1)) for _ in range(VECTORS)], np.int32)
    scales[rng.integers(VECTORS), 1] += rng.choice([-60, -25, 25, 48])
    return np.where([[rng.random() < 0.3, False]], pair(rng.choice([1 << 30, (1 << 31) - 1]), 0), scales)


def random_ranges(rng: np.random.Generator, near: float) -> np.ndarray:
    """(VECTORS, 3): such scales, and zero points at and between the ends of int8."""
    return np.concatenate(
        [random_scales(rng, near), [[zero_point(rng)] for _ in range(VECTORS)]], axis=1, dtype=np.int32
    )


def real(scales: np.ndarray) -> np.ndarray:
    """float64 of scales (…, 2), or of ranges (…, 3)."""
    return np.ldexp(scales[..., 0].astype(np.float64), scales[..., 1].astype(int))


def spread(scales: np.ndarray, like: np.ndarray) -> np.ndarray:
    return real(scales).reshape((-1,) + (1,) * (like.ndim - 1))


def block(name: str, shape: tuple[int, ...], data: np.ndarray | None = None) -> Tensor:
    return Tensor(name, shape, DType.INT8, PLAIN, data)


def scale(name: str) -> Tensor:
    """Of sums."""
    return Tensor(name, (2,), DType.INT32)


def range_of(name: str) -> Tensor:
    """A block's."""
    return Tensor(name, (3,), DType.INT32)


def meant(x: np.ndarray, found: np.ndarray) -> np.ndarray:
    """float64 of blocks (n, …) with their ranges, or of sums with their scales."""
    zero = found[:, 2] if found.shape[-1] == 3 else np.zeros(len(found))
    return spread(found, x) * (x.astype(np.float64) - zero.reshape((-1,) + (1,) * (x.ndim - 1)))


def one_of_blocks(rng: np.random.Generator, op: str, operands: list[Tensor | None], results: list[Tensor], attrs: Any):
    """A case of a node, whose operands without data are inputs: ranges and scales among them are valid, one vector of
    each block is 0."""
    node = Node(op, tuple(t.name if t else "" for t in operands), tuple(t.name for t in results), attrs, op.lower())
    present = {t.name: t for t in operands if t is not None}
    runtime = tuple(name for name, t in present.items() if not t.is_constant)
    graph = Graph(op.lower(), {**present, **{t.name: t for t in results}}, (node,), runtime, node.outputs)
    verify_graph(graph, "test case")
    ranges = {name: random_ranges(rng, 0.05) for name in runtime if present[name].shape == (3,)}
    found = []
    for name in runtime:
        t = present[name]
        if t.dtype is DType.INT32 and t.shape in ((2,), (3,)):
            found.append(ranges[name] if t.shape == (3,) else random_scales(rng, 0.05))
            continue
        values = random_values(rng, (VECTORS, *t.shape), t.dtype)
        silent = rng.integers(VECTORS)
        values[silent] = ranges[f"{name}_range"][silent, 2] if t.dtype is DType.INT8 else 0
        found.append(values)
    return Case(op, graph, tuple(found))


def dynamic_cases(name: str) -> Callable[[np.random.Generator], Iterator[Case]]:
    """The cases of an operator on blocks: those of the operator it stands for, with blocks for activations."""

    def cases(rng: np.random.Generator) -> Iterator[Case]:
        from .cases import module_of

        op = find_op(name)
        for case in module_of(op.stands_for).cases(rng):
            weights = case.graph.tensors.get("w")
            if weights is None or weights.quant.is_plain:
                yield _dynamic(rng, case, name)

    return cases


def _dynamic(rng: np.random.Generator, case: Case, name: str) -> Case:
    (node,) = case.graph.nodes
    rule = find_op(node.op).quant_rule(node.attrs)
    operands: list[Tensor | None] = []
    ranges: list[Tensor] = []
    for index, tensor in enumerate(case.graph.operands(node)):
        if tensor is None or tensor.dtype is not DType.INT8 or index == rule.weight:
            operands.append(tensor)
            continue
        operands.append(block(tensor.name, tensor.shape, tensor.data))
        found = range_of(f"{tensor.name}_range")
        if tensor.data is not None:
            values = (*scale_of(0.05 * 4.0 ** rng.uniform(-1, 1)), zero_point(rng))
            found = constant(found.name, np.array(values, np.int32))
        ranges.append(found)
    if rule.weight is not None:
        operands += [None] * (rule.bias + 1 - len(operands))
    attrs = node.attrs
    if getattr(attrs, "activation", Activation.NONE) is not Activation.NONE:
        attrs = replace(attrs, activation=Activation.NONE)
    (y,) = case.graph.results(node)
    results = [Tensor("y", y.shape, DType.INT32), scale("y_scale")]
    return one_of_blocks(rng, name, [*operands, *ranges], results, attrs)


def dynamic_distances(case: Case, found: list[np.ndarray]) -> list[float]:
    """How far the sums are from what the operator that is stood for computes in real numbers, at the most."""
    (node,) = case.graph.nodes
    expected = exact_sums(case, find_op(node.op).stands_for, node.attrs)
    sums, of_sums = found
    errors = np.abs(meant(sums, of_sums) - expected.reshape(sums.shape))
    # a block of zeros has a scale too, of which others may be a small part
    largest = np.maximum(np.abs(expected).reshape(len(sums), -1).max(axis=1), PARTS * real(of_sums))
    errors = errors.reshape(len(sums), -1).max(axis=1) / largest * PARTS
    return [float(errors.max())]


def exact_sums(case: Case, op: str, attrs: Any) -> np.ndarray:
    """What that operator computes of a case's blocks in real numbers, float64."""
    (node,) = case.graph.nodes
    stands_for = find_op(op)
    values = dict(zip(case.graph.inputs, case.inputs, strict=True))
    values.update((t.name, t.data[np.newaxis]) for t in case.graph.tensors.values() if t.data is not None)
    exact: list[np.ndarray | None] = []
    for tensor in case.graph.operands(node):
        if tensor is None:
            exact.append(None)
        elif f"{tensor.name}_range" in values:
            exact.append(meant(values[tensor.name], values[f"{tensor.name}_range"]))
        elif not tensor.name.endswith("_range"):
            array = values[tensor.name]
            exact.append(array if tensor.quant is None else tensor.quant.dequantize(array[0])[np.newaxis])
    return stands_for.evaluate(attrs, *exact)[0].astype(np.float64)


def ranged_cases(name: str) -> Callable[[np.random.Generator], Iterator[Case]]:
    """The cases of an operator whose sums become a block at once: those of the sums, any activation."""

    def cases(rng: np.random.Generator) -> Iterator[Case]:
        for case in dynamic_cases(find_op(name).weighted.name)(rng):
            (node,) = case.graph.nodes
            (y, _) = case.graph.results(node)
            attrs = RangedAttrs(node.attrs, rng.choice(list(Activation)), bool(rng.random() < 0.5))
            results = [block("y", y.shape), range_of("y_range")]
            fused = Node(name, node.inputs, tuple(t.name for t in results), attrs, name.lower())
            graph = case.graph.rewrite([fused], results, outputs=fused.outputs)
            yield Case(name, verify_graph(graph, "test case"), case.inputs)

    return cases


def ranged_distances(case: Case, found: list[np.ndarray]) -> list[float]:
    """How far a block is from the clamped sums, in its own steps and those of the sums together, at the most."""
    (node,) = case.graph.nodes
    weighted = find_op(node.op).weighted
    expected = exact_sums(case, weighted.stands_for, node.attrs.sums)
    y, ranges = found
    lowered = find_op(node.op).lower(node, case.graph, Dialect.DOUBLE)
    values = dict(zip(case.graph.inputs, case.inputs, strict=True))
    _, of_sums = weighted.simulate(lowered.params, *(values[name] for name in lowered.inputs))
    largest = np.abs(expected).reshape(len(y), -1).max(axis=1)
    step = real(ranges) + SUM_BOUND * np.maximum(largest / PARTS, real(of_sums))
    errors = np.abs(meant(y, ranges) - np.clip(expected, *node.attrs.activation.bounds).reshape(y.shape))
    return [float((errors.reshape(len(y), -1).max(axis=1) / step).max())]
