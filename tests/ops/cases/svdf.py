"""Ranks, memories and batches, with states of int8 and int16, and with sums that leave 32 bits; sequences of vectors.

TFLite has states of int16 only; those of int8 are TFLite Micro's. Where a sum does leave 32 bits, TFLite is undefined:
we saturate, and a loop of Python's integers is the witness.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator
from typing import Any

import numpy as np

from edgeq.exporters.tflite import export_tflite
from edgeq.ir import DType, Graph, Node, QuantParams, State, Tensor, verify_graph
from edgeq.ops import Activation
from edgeq.ops.svdf import SvdfAttrs

from ..graphs import Case, activation_input, constant, quant, random_values, weights
from ..one_op import TFLITE_ACTIVATION, run_micro
from ..one_op import options as table

STEPS = 7


class Kind(enum.Enum):
    """What a case is about."""

    INT8 = "a state of int8"
    NARROW = "a state of int16, sums that cannot leave 32 bits"
    WIDE = "a state of int16, sums that could leave 32 bits and do not"
    BEYOND = "a state of int16, sums that leave 32 bits"


def options(attrs: SvdfAttrs) -> Any:
    return table("SVDFOptions", rank=attrs.rank, fusedActivationFunction=TFLITE_ACTIVATION[attrs.activation])


def cases(rng: np.random.Generator) -> Iterator[Case]:
    while True:
        for kind in Kind:
            # TFLite Micro crashes without a bias
            yield _case(rng, kind, has_bias=kind is Kind.INT8 or bool(rng.random() < 0.5))


def _case(rng: np.random.Generator, kind: Kind, *, has_bias: bool) -> Case:
    dtype = DType.INT8 if kind is Kind.INT8 else DType.INT16
    rank, batches, depth = (int(rng.integers(1, n)) for n in (4, 3, 20))
    filters, memory = rank * int(rng.integers(1, 6)), int(rng.integers(3 if kind is Kind.BEYOND else 1, 7))
    terms = rank * memory
    x = activation_input("x", (batches, depth), quant(rng))
    w = weights(rng, (filters, depth), None)
    features = Tensor("features", w.shape, w.dtype, w.quant, w.data)
    # features fill half of the state's range, or saturate it, or leave most of it free
    part = {Kind.WIDE: 8, Kind.BEYOND: 0.02}.get(kind, 2)
    reach = float(x.quant.scale[0] * w.quant.scale[0]) * 127 * 73 * np.sqrt(depth)
    state = QuantParams([np.float32(reach / (dtype.range[1] / part))], [0])
    largest = {Kind.INT8: 127, Kind.NARROW: 60_000 // terms // 2, Kind.WIDE: min(200_000 // terms, 32_767)}.get(
        kind, 32_767
    )
    time = rng.integers(-largest, largest + 1, (filters, memory)).astype(dtype.numpy)
    time = constant("time", time, QuantParams([np.float32(rng.uniform(0.5, 2) / largest)], [0]))
    one = float(state.scale[0] * time.quant.scale[0])
    spread = dtype.range[1] / part * largest / 3 * np.sqrt(terms)
    if kind is Kind.BEYOND:
        spread = 1 << 31
    y = QuantParams([np.float32(one * spread / 60)], [int(rng.integers(-60, 60))])
    y = Tensor("y", (batches, filters // rank), DType.INT8, y)
    before = Tensor("state", (batches, filters * memory), dtype, state)
    operands: list[Tensor | None] = [x, features, time, None, before]
    if has_bias:
        limit = int(min(spread, 1 << 28))
        values = rng.integers(-limit, limit + 1, filters // rank).astype(np.int32)
        operands[3] = constant("bias", values, QuantParams([np.float32(one)], [0]))
    after = Tensor("after", before.shape, dtype, state)
    names = tuple(t.name if t else "" for t in operands)
    node = Node("SVDF", names, ("y", "after"), SvdfAttrs(rank, Activation.RELU), "svdf")
    tensors = {t.name: t for t in (*operands, y, after) if t is not None}
    remembered = (State("state", "after", np.zeros(after.shape, dtype.numpy)),)
    graph = Graph(kind.name, tensors, (node,), ("x",), ("y",), states=remembered)
    verify_graph(graph, "test case")
    return Case("SVDF", graph, (random_values(rng, (STEPS, *x.shape), DType.INT8),))


def expected(case: Case) -> list[np.ndarray] | None:
    if case.graph.name == Kind.INT8.name:
        return run_micro(export_tflite(case.graph), case.inputs)
    return _by_hand(case) if case.graph.name == Kind.BEYOND.name else None


def _by_hand(case: Case) -> list[np.ndarray]:
    """In Python's integers: the state by real numbers, each far enough from a tie; the saturated sum as well."""
    t = case.graph.tensors
    features, time = t["features"].data.astype(int), t["time"].data.astype(int)
    bias = t["bias"].data.astype(int) if "bias" in t else np.zeros(t["y"].shape[1], int)
    rank = case.graph.nodes[0].attrs.rank
    (batches, units), (filters, memory) = t["y"].shape, time.shape
    scale = {name: float(t[name].quant.scale[0]) for name in ("x", "features", "state", "time", "y")}
    state = np.zeros((batches, filters, memory), int)
    results = []
    for vector in case.inputs[0].astype(int):
        sums = (vector - int(t["x"].quant.zero_point[0])) @ features.T
        newest = np.clip(np.rint(sums * (scale["x"] * scale["features"] / scale["state"])), -32768, 32767).astype(int)
        state = np.concatenate([state[..., 1:], newest[..., np.newaxis]], -1)
        total = (state * time).sum(-1).reshape(batches, units, rank).sum(-1) + bias
        total = np.clip(total, -(1 << 31), (1 << 31) - 1)
        real = np.rint(total * (scale["state"] * scale["time"] / scale["y"])) + int(t["y"].quant.zero_point[0])
        results.append(np.clip(real, -128, 127).astype(np.int8))
    return [np.stack(results)]
