"""The inputs and outputs of an integer graph: made integers, left floats, or made floats."""

from __future__ import annotations

from dataclasses import replace

from edgeq.ir import DType, Graph, Node
from edgeq.ops import find_op
from edgeq.passes.rewriting import rename, unique_name

#: What converters put at the edges of an int8 model.
EDGE_TYPES = (DType.FLOAT32, DType.UINT8)


def strip_edges(graph: Graph) -> Graph:
    """Drops the QUANTIZE behind a float or uint8 input, and what turns an output into floats or uint8; names stay.

    The graph's inputs and outputs then are the int8 tensors. An input that is also read as it is, or quantized in two
    ways, stays.
    """
    return _stripped(graph, EDGE_TYPES)


def strip_uint8_edges(graph: Graph) -> Graph:
    """`strip_edges` that leaves floats alone."""
    return _stripped(graph, (DType.UINT8,))


def add_float_edges(graph: Graph) -> Graph:
    """Float32 inputs and outputs in place of int8 and int16 ones, quantized and dequantized within the graph; names
    stay with the floats, the integers' end in "/quantized"."""
    for name in (*graph.inputs, *graph.outputs):
        if graph.tensors[name].dtype in (DType.INT8, DType.INT16) and graph.tensors[name].quant is not None:
            graph = _with_float_edge(graph, name)
    return graph


def _with_float_edge(graph: Graph, name: str) -> Graph:
    outer = replace(graph.tensors[name], dtype=DType.FLOAT32, quant=None)
    inner = unique_name(graph, f"{name}/quantized")
    renamed = rename(graph, name, inner)
    if name in graph.inputs:
        nodes = (_edge("QUANTIZE", name, inner), *renamed.nodes)
    else:
        nodes = (*renamed.nodes, _edge("DEQUANTIZE", inner, name))
    return renamed.rewrite(nodes, [outer], graph.inputs, graph.outputs)


def _edge(op: str, source: str, result: str) -> Node:
    return Node(
        op, (source,), (result,), find_op(op).Attrs(), f"{result if op == 'DEQUANTIZE' else source}/{op.lower()}"
    )


def _stripped(graph: Graph, types: tuple[DType, ...]) -> Graph:
    for name in graph.inputs:
        graph = _strip_input(graph, name, types)
    for name in graph.outputs:
        graph = _strip_output(graph, name, types)
    return graph


def _strip_input(graph: Graph, name: str, types: tuple[DType, ...]) -> Graph:
    readers = graph.consumers().get(name, [])
    if graph.tensors[name].dtype not in types or not readers or name in graph.kept:
        return graph
    results = [graph.tensors[node.outputs[0]] for node in readers]
    if any(node.op != "QUANTIZE" for node in readers) or any(r.quant != results[0].quant for r in results):
        return graph
    if any(r.dtype is not results[0].dtype for r in results):
        return graph
    gone = {r.name for r in results}
    nodes = [
        replace(node, inputs=tuple(name if i in gone else i for i in node.inputs))
        for node in graph.nodes
        if node not in readers
    ]
    outputs = tuple(name if o in gone else o for o in graph.outputs)
    states = [replace(s, written=name) if s.written in gone else s for s in graph.states]
    return graph.rewrite(nodes, [replace(results[0], name=name)], outputs=outputs, states=states)


def _strip_output(graph: Graph, name: str, types: tuple[DType, ...]) -> Graph:
    node = graph.producers().get(name)
    if node is None or node.op not in ("DEQUANTIZE", "QUANTIZE") or name in graph.consumers():
        return graph
    if any(name == state.written for state in graph.states):
        return graph
    inner = graph.tensors[node.inputs[0]].dtype
    if graph.tensors[name].dtype not in types or inner not in (DType.INT8, DType.INT16):
        return graph
    source = node.inputs[0]
    rest = tuple(n for n in graph.nodes if n is not node)
    outputs = tuple(source if o == name else o for o in graph.outputs)
    stripped = graph.rewrite(rest, outputs=outputs)
    # inputs and other outputs keep their own names
    if source in graph.sources or source in graph.outputs:
        return stripped
    return rename(stripped, source, name)
