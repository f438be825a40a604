"""Any two axes, lengths from 0 to all, constant and computed, and computed ones of any size.
TFLite moves bytes as uint8 only."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from edgeq.ir import DType, Tensor
from edgeq.ops.reverse_sequence import ReverseSequenceAttrs

from ..graphs import Case, activation_input, constant, one_node, quant, shape_of
from ..one_op import options as table
from ..one_op import run_tflite, write_model
from . import gather

in_int16 = gather.in_int16


def options(attrs: ReverseSequenceAttrs) -> Any:
    return table("ReverseSequenceOptions", seqDim=attrs.seq_dim, batchDim=attrs.batch_dim)


def cases(rng: np.random.Generator) -> Iterator[Case]:
    while True:
        for rank in (3, 2, 4):
            for computed in (False, True):
                x = activation_input("x", shape_of(rng, rank), quant(rng))
                seq, batch = (int(axis) for axis in rng.permutation(rank)[:2])
                attrs = ReverseSequenceAttrs(seq, batch)
                dtype = rng.choice([DType.INT32, DType.INT64])
                lengths = Tensor("lengths", (x.shape[batch],), dtype)
                if not computed:
                    values = rng.integers(0, x.shape[seq] + 1, lengths.shape).astype(dtype.numpy)
                    lengths = constant("lengths", values)
                case = one_node(rng, "REVERSE_SEQUENCE", [x, lengths], x.quant, attrs)
                if computed and rng.random() < 0.3:
                    yield case
                    continue
                inputs = zip(case.graph.inputs, case.inputs, strict=True)
                within = ((a % (x.shape[seq] + 1)).astype(a.dtype) if n == "lengths" else a for n, a in inputs)
                yield Case(case.op, case.graph, tuple(within))


def expected(case: Case) -> list[np.ndarray]:
    """TFLite's results by the nearest lengths that the axis has."""
    (node,) = case.graph.nodes
    y = case.graph.tensors["y"]
    longest = y.shape[node.attrs.seq_dim]
    named = zip(case.graph.inputs, case.inputs, strict=True)
    inputs = [np.clip(a, 0, longest) if name == "lengths" else a for name, a in named]
    if y.dtype.itemsize != 1:
        return run_tflite(write_model(case.graph, options), inputs)
    moved = {name: replace(case.graph.tensors[name], dtype=DType.UINT8, quant=None) for name in ("x", "y")}
    graph = replace(case.graph, tensors={**case.graph.tensors, **moved})
    (bytes_of_y,) = run_tflite(
        write_model(graph, options), [x.view(np.uint8) if x.itemsize == 1 else x for x in inputs]
    )
    return [bytes_of_y.view(y.dtype.numpy)]
