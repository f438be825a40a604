"""The witness of operators that TFLite computes of float32 only."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from edgeq.ir import DType, Graph, Node

from .graphs import Case
from .one_op import run_tflite, write_model


def in_float(case: Case, options: Callable[[Any], Any]) -> list[np.ndarray]:
    """What TFLite computes of DEQUANTIZE → the float operator → QUANTIZE; options: of the operator's attributes."""
    (node,) = case.graph.nodes
    tensors, nodes = {}, []
    for t in case.graph.tensors.values():
        tensors[t.name] = t
        if t.quant is not None:
            tensors[f"{t.name}:real"] = replace(t, name=f"{t.name}:real", dtype=DType.FLOAT32, quant=None, data=None)
    real = {name: f"{name}:real" if f"{name}:real" in tensors else name for name in tensors}
    nodes += [Node("DEQUANTIZE", (name,), (real[name],)) for name in node.inputs if real[name] != name]
    nodes.append(Node(node.op, tuple(real[n] for n in node.inputs), tuple(real[n] for n in node.outputs), node.attrs))
    nodes += [Node("QUANTIZE", (real[name],), (name,)) for name in node.outputs if real[name] != name]
    graph = Graph("float", tensors, tuple(nodes), case.graph.inputs, case.graph.outputs)
    return run_tflite(write_model(graph, lambda attrs: None if attrs is None else options(attrs)), case.inputs)
