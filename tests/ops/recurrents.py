"""Cases of recurrent layers of our own, and what they mean, written step by step after Keras' documentation."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from edgeq.ir import DType, Graph, Node, QuantParams, Tensor
from edgeq.ops.recurrent import RecurrentAttrs

from .graphs import VECTORS, Case, activation_input, constant, quant, random_values

HIDDEN = QuantParams([2.0**-15], [0])


def cases(op: str, gates: int, rng: np.random.Generator) -> Iterator[Case]:
    while True:
        for sequences in (True, False):
            for reset_after in (True, False):
                for carries in (False, True):
                    yield _case(op, gates, rng, RecurrentAttrs(sequences, reset_after), carries)


def _case(op: str, gates: int, rng: np.random.Generator, attrs: RecurrentAttrs, carries: bool) -> Case:
    batches, steps = int(rng.integers(1, 3)), int(rng.integers(1, 7))
    depth, units = int(rng.integers(1, 20)), int(rng.integers(1, 10))
    rows = gates * units
    axis = 0 if rng.random() < 0.7 else None
    x = activation_input("x", (batches, steps, depth), quant(rng, 0.02))
    operands = [
        x,
        _weights(rng, "w", (rows, depth), axis, 1.5 / np.sqrt(depth)),
        _weights(rng, "u", (rows, units), axis, 0.8 / np.sqrt(units)),
        _bias(rng, "b", rows),
        _bias(rng, "c", rows),
    ]
    if carries:
        operands.append(Tensor("h0", (batches, units), DType.INT16, HIDDEN))
    shape = (batches, steps, units) if attrs.sequences else (batches, units)
    narrow = QuantParams([float(np.float32(2.0 ** rng.uniform(-7.5, -6.5)))], [int(rng.integers(-40, 40))])
    y = Tensor("y", shape, DType.INT8, narrow)
    h = Tensor("h", (batches, units), DType.INT16, HIDDEN)
    node = Node(op, tuple(t.name for t in operands), ("y", "h"), attrs, op.lower())
    inputs = ("x", "h0") if carries else ("x",)
    graph = Graph(op.lower(), {t.name: t for t in (*operands, y, h)}, (node,), inputs, ("y", "h"))
    return Case(op, graph, _vectors(rng, graph))


def _vectors(rng: np.random.Generator, graph: Graph) -> tuple[np.ndarray, ...]:
    return tuple(
        random_values(rng, (VECTORS, *graph.tensors[name].shape), graph.tensors[name].dtype) for name in graph.inputs
    )


def _weights(rng: np.random.Generator, name: str, shape: tuple[int, int], axis: int | None, spread: float) -> Tensor:
    count = 1 if axis is None else shape[axis]
    scales = spread / 127 * 2.0 ** rng.uniform(-1, 1, count)
    values = np.maximum(random_values(rng, shape, DType.INT8), -127)
    return constant(name, values, QuantParams(scales, [0] * count, axis))


def _bias(rng: np.random.Generator, name: str, rows: int) -> Tensor:
    return constant(name, rng.integers(-(2**31) + 1, 2**31 - 1, rows).astype(np.int32), QuantParams([2.0**-31], [0]))


def in_int16(case: Case, rng: np.random.Generator) -> Case:
    """Activations 256 times finer and symmetric, but for a state."""
    tensors = {
        t.name: replace(t, dtype=DType.INT16, quant=QuantParams(t.quant.scale / np.float32(256), [0]))
        if t.name in ("x", "y")
        else t
        for t in case.graph.tensors.values()
    }
    graph = replace(case.graph, tensors=tensors)
    return Case(case.op, graph, _vectors(rng, graph))


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def over_steps(attrs: RecurrentAttrs, x: np.ndarray, hidden: np.ndarray | None, units: int, step) -> tuple:
    """(hidden states or the last, the last) of step(x of a step, h) → h over (n, batch, steps, depth)."""
    h = np.zeros((*x.shape[:2], units)) if hidden is None else hidden
    states = []
    for t in range(x.shape[2]):
        h = step(x[:, :, t], h)
        states.append(h)
    return (np.stack(states, axis=2) if attrs.sequences else h), h
