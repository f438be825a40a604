"""Makes integers of what converters leave real within an integer model."""

from __future__ import annotations

from dataclasses import replace

from edgeq.ir import DType, Graph, Node
from edgeq.ops import find_op
from edgeq.ops.function import Function
from edgeq.ops.pointwise import Pointwise
from edgeq.passes.rewriting import sole_reader


def integer_islands(graph: Graph) -> Graph:
    """DEQUANTIZE of int8, a function of each element that TFLite computes of float32 only, and QUANTIZE to int8 become
    the function of int8. Exact: it is defined as what these three compute one after the other.
    """
    producers, consumers = graph.producers(), graph.consumers()
    nodes: list[Node] = []
    gone: set[str] = set()
    for node in graph.nodes:
        before = producers.get(node.inputs[0]) if node.inputs else None
        after = sole_reader(graph, node.outputs[0], consumers)
        if isinstance(find_op(node.op), (Pointwise, Function)) and before is not None and after is not None:
            x, y = graph.tensors[before.inputs[0]], graph.tensors[after.outputs[0]]
            edges = (before.op, after.op) == ("DEQUANTIZE", "QUANTIZE")
            if edges and x.dtype is y.dtype is DType.INT8 and x.quant is not None and y.quant is not None:
                node = replace(node, inputs=(x.name,), outputs=(y.name,))
                gone.update((before.outputs[0], after.outputs[0]))
                nodes.append(node)
                continue
        if node.op == "QUANTIZE" and node.outputs[0] in gone:
            continue
        nodes.append(node)
    if not gone:
        return graph
    read = {*graph.kept, *(name for node in nodes for name in node.inputs)}
    return graph.rewrite(n for n in nodes if n.op != "DEQUANTIZE" or n.outputs[0] in read or n.outputs[0] not in gone)
