"""Computes what depends on constants alone."""

from __future__ import annotations

import numpy as np

from edgeq.ir import Graph, Tensor, frozen_array
from edgeq.ops import find_op

_FLOAT_OR_INDEX = ("float32", "int32", "int64")


def fold_constants(graph: Graph) -> Graph:
    """Nodes whose operands are all float constants become constants; exact: `Op.evaluate` computes them."""
    tensors = dict(graph.tensors)
    kept, folded = [], []
    for node in graph.nodes:
        op = find_op(node.op)
        operands = [tensors[name] if name else None for name in node.inputs]
        constant = op is not None and all(t is None or t.is_constant for t in operands)
        float_only = all(t is None or (t.dtype.value in _FLOAT_OR_INDEX and t.quant is None) for t in operands)
        if not (constant and float_only) or any(name in graph.kept for name in node.outputs):
            kept.append(node)
            continue
        arrays = [None if t is None else t.data[np.newaxis] for t in operands]
        for name, array in zip(node.outputs, op.evaluate(node.attrs, *arrays), strict=True):
            declared = tensors[name]
            data = frozen_array(array[0], declared.dtype.numpy)
            tensors[name] = Tensor(name, declared.shape, declared.dtype, data=data)
            folded.append(tensors[name])
    return graph.rewrite(kept, folded) if folded else graph
