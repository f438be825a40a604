"""Makes the compressed weights of a float graph float32: float16 files and dynamic-range (hybrid) files."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from edgeq.ir import DType, Graph, Node, Tensor, frozen_array


def dequantize_constants(graph: Graph) -> Graph:
    """DEQUANTIZE of a constant becomes a constant; int8 weights of operators that compute in float become float32.

    Exact: the float graph computes with scale · (q − zero_point), which is what the constants then hold. Of constants
    that were int8 the parameters stay with them.
    """
    tensors = dict(graph.tensors)
    kept, changed = [], []
    for node in graph.nodes:
        source = tensors.get(node.inputs[0]) if node.inputs else None
        if node.op == "DEQUANTIZE" and source is not None and source.is_constant and node.outputs[0] not in graph.kept:
            changed.append(_float(source, node.outputs[0]))
            tensors[node.outputs[0]] = changed[-1]
            continue
        if _computes_in_float(node, tensors):
            for position, name in enumerate(node.inputs):
                constant = tensors.get(name)
                if constant is not None and constant.is_constant and constant.quant is not None:
                    plain = _float(constant, f"{name}:float32")
                    changed.append(plain)
                    tensors[plain.name] = plain
                    node = replace(node, inputs=node.inputs[:position] + (plain.name,) + node.inputs[position + 1 :])
        kept.append(node)
    return graph.rewrite(kept, changed) if changed else graph


def _computes_in_float(node: Node, tensors: dict[str, Tensor]) -> bool:
    operands = [tensors[name] for name in node.inputs if name]
    runtime = [t for t in operands if not t.is_constant]
    return bool(runtime) and all(t.dtype is DType.FLOAT32 for t in runtime) and node.op != "QUANTIZE"


def _float(constant: Tensor, name: str) -> Tensor:
    data = constant.data if constant.quant is None else constant.quant.dequantize(constant.data)
    quant = constant.quant if constant.dtype is DType.INT8 else None
    return Tensor(name, constant.shape, DType.FLOAT32, quant, frozen_array(data, np.float32))
