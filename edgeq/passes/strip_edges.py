"""Makes the inputs and outputs of an integer graph int8."""

from __future__ import annotations

from dataclasses import replace

from edgeq.ir import DType, Graph
from edgeq.passes.rewriting import rename

#: What converters put at the edges of an int8 model.
EDGE_TYPES = (DType.FLOAT32, DType.UINT8)


def strip_edges(graph: Graph) -> Graph:
    """Drops the QUANTIZE behind a float or uint8 input, and what turns an output into floats or uint8; names stay.

    The graph's inputs and outputs then are the int8 tensors. An input that is also read as it is, or quantized in two
    ways, stays.
    """
    for name in graph.inputs:
        graph = _strip_input(graph, name)
    for name in graph.outputs:
        graph = _strip_output(graph, name)
    return graph


def _strip_input(graph: Graph, name: str) -> Graph:
    readers = graph.consumers().get(name, [])
    if graph.tensors[name].dtype not in EDGE_TYPES or not readers or name in graph.kept:
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


def _strip_output(graph: Graph, name: str) -> Graph:
    node = graph.producers().get(name)
    if node is None or node.op not in ("DEQUANTIZE", "QUANTIZE") or name in graph.consumers():
        return graph
    if any(name == state.written for state in graph.states):
        return graph
    inner = graph.tensors[node.inputs[0]].dtype
    if graph.tensors[name].dtype not in EDGE_TYPES or inner not in (DType.INT8, DType.INT16):
        return graph
    source = node.inputs[0]
    rest = tuple(n for n in graph.nodes if n is not node)
    outputs = tuple(source if o == name else o for o in graph.outputs)
    stripped = graph.rewrite(rest, outputs=outputs)
    # inputs and other outputs keep their own names
    if source in graph.sources or source in graph.outputs:
        return stripped
    return rename(stripped, source, name)
