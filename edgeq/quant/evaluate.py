"""Runs a float Graph on arrays: what calibration observes and accuracy is measured against."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

import numpy as np

from edgeq.errors import CalibrationError, ModelError
from edgeq.ir import DType, Graph, Node, Tensor
from edgeq.ops import find_op

Visit = Callable[[Tensor, np.ndarray], np.ndarray | None]

# Bytes that one batch may occupy: its largest layer's windows plus the tensors still to be read.
BATCH_BYTES = 64 << 20
# A convolution copies its windows; nine for a 3×3 kernel is the common case.
_WINDOW_COPIES = 10


def batch_size(graph: Graph) -> int:
    """Vectors per batch, so that a batch takes about BATCH_BYTES; 1 or more."""
    sizes = [t.size * 4 for t in graph.tensors.values() if not t.is_constant]
    return max(1, BATCH_BYTES // max(1, sum(sizes) + _WINDOW_COPIES * max(sizes, default=1)))


def evaluate(
    graph: Graph,
    inputs: Mapping[str, np.ndarray],
    visit: Visit | None = None,
    memory: dict[str, np.ndarray] | None = None,
) -> dict[str, np.ndarray]:
    """Every tensor of one batch that is computed, inputs and states included, for n vectors: name → (n, *shape).

    Args:
        inputs: by name, (n, *tensor.shape), the same n for all.
        visit: sees each tensor as soon as it exists, inputs and states first, and may replace its values (None keeps
            them), which the nodes behind it then read. The vectors of a graph with states come one at a time.
        memory: what the states hold before the first vector, as `reset` gives it, and after the last one when this
            returns. None resets before the first vector.
    """
    if not graph.states:
        return _evaluate(graph, inputs, visit)
    memory = reset(graph) if memory is None else memory
    steps = []
    for vector in range(next(iter(inputs.values())).shape[0]):
        single = {name: array[vector : vector + 1] for name, array in inputs.items()}
        values = _evaluate(graph, {**single, **memory}, visit)
        for state in graph.states:
            new = graph.tensors[state.written]
            memory[state.read] = new.data[np.newaxis] if new.data is not None else values[state.written]
        steps.append(values)
    return {name: np.concatenate([values[name] for values in steps]) for name in steps[0]} if steps else {}


def reset(graph: Graph) -> dict[str, np.ndarray]:
    """What the graph's states hold after a reset, by name, (1, *shape)."""
    return {state.read: state.initial[np.newaxis] for state in graph.states}


def _evaluate(graph: Graph, inputs: Mapping[str, np.ndarray], visit: Visit | None) -> dict[str, np.ndarray]:
    values: dict[str, np.ndarray] = {}

    def define(name: str, array: np.ndarray) -> None:
        replaced = visit(graph.tensors[name], array) if visit is not None else None
        values[name] = array if replaced is None else replaced

    for name in graph.sources:
        define(name, inputs[name])
    for node in graph.nodes:
        op = find_op(node.op)
        if op is None:
            raise ModelError(f"operator {node.op} is not supported", where=node.loc)
        operands = [
            None if t is None else t.data[np.newaxis] if t.data is not None else values[t.name]
            for t in graph.operands(node)
        ]
        for name, array in zip(node.outputs, op.evaluate(node.attrs, *operands), strict=True):
            define(name, array)
    return values


def node_results(
    graph: Graph, node: Node, values: Mapping[str, np.ndarray], *, linear: bool = False
) -> tuple[np.ndarray, ...]:
    """One node's float32 results, (n, *shape).

    Args:
        values: of its operands by name, (n, *shape). Constants that it lacks are the graph's; quantized ones stand for
            the real numbers they represent.
        linear: before the node's activation.
    """
    operands = [None if t is None else values[t.name] if t.name in values else _real(t) for t in graph.operands(node)]
    attrs = replace(node.attrs, activation=type(node.attrs.activation).NONE) if linear else node.attrs
    return find_op(node.op).evaluate(attrs, *operands)


def _real(constant: Tensor) -> np.ndarray:
    # parameters of real numbers say what they were made of
    stands = constant.quant is not None and constant.dtype is not DType.FLOAT32
    return (constant.quant.dequantize(constant.data) if stands else constant.data)[np.newaxis]


def batches(graph: Graph, inputs: Mapping[str, np.ndarray]) -> Iterator[dict[str, np.ndarray]]:
    """Slices of the inputs, each of `batch_size` vectors or fewer.

    Raises:
        CalibrationError: an input is missing, or they hold different numbers of vectors.
    """
    counts = {name: inputs[name].shape[0] for name in graph.inputs if name in inputs}
    if len(counts) != len(graph.inputs) or len(set(counts.values())) != 1:
        raise CalibrationError(f"every input needs the same number of vectors, found {counts}", where=graph.name)
    step = batch_size(graph)
    for start in range(0, next(iter(counts.values())), step):
        yield {name: inputs[name][start : start + step] for name in graph.inputs}


def run(graph: Graph, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The graph's outputs for n vectors, name → (n, *shape); where it has states, the vectors are one sequence."""
    memory = reset(graph)
    parts = [evaluate(graph, batch, memory=memory) for batch in batches(graph, inputs)]
    return {name: np.concatenate([part[name] for part in parts]) for name in graph.outputs}
