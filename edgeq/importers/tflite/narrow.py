"""Weights that a file holds as int8 because TFLite knows nothing narrower."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from edgeq.ir import DType, Graph, Tensor
from edgeq.ops import find_op


def narrow_weights(graph: Graph) -> Graph:
    """The graph with weights of −1, 0 and 1, or of −1 and 1, in types of their own, where operators take these; for
    files that edgeq wrote. int8 weights of edgeq's have their largest at 127: none is mistaken."""
    weights, others = set(), set(graph.kept)
    for node in graph.nodes:
        op = find_op(node.op)
        place = op.quant_rule(node.attrs).weight if op is not None and DType.TERNARY in op.weight_types else None
        for index, name in enumerate(node.inputs):
            (weights if index == place else others).add(name)
    found = [_narrowed(tensor) for name, tensor in graph.tensors.items() if name in weights - others]
    return graph.rewrite(tensors=[tensor for tensor in found if tensor is not None])


def _narrowed(tensor: Tensor) -> Tensor | None:
    if tensor.data is None or tensor.dtype is not DType.INT8 or tensor.quant is None or not tensor.quant.is_plain:
        return None
    if not tensor.size or np.abs(tensor.data.astype(np.int16)).max() != 1:
        return None
    return replace(tensor, dtype=DType.TERNARY if np.any(tensor.data == 0) else DType.BINARY)
