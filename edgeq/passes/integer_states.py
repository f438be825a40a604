"""Makes states of an integer graph integers where converters left them real."""

from __future__ import annotations

from dataclasses import replace

from edgeq.ir import DType, Graph, State
from edgeq.passes.rewriting import redirect


def integer_states(graph: Graph) -> Graph:
    """A float state that is written by a DEQUANTIZE, and read by QUANTIZE with the same scale and zero point alone,
    becomes what stands behind both. Exact: quantizing gives back the integers that were dequantized, and the initial
    value is quantized as the first inference would.

    TFLite's converter leaves such states unless it is told to quantize variables.
    """
    for state in graph.states:
        graph = _made_integer(graph, state)
    return graph


def _made_integer(graph: Graph, state: State) -> Graph:
    writer, readers = graph.producers().get(state.written), graph.consumers().get(state.read, [])
    shared = state.read in graph.outputs or [s.written for s in graph.states].count(state.read)
    if graph.tensors[state.read].dtype is not DType.FLOAT32 or writer is None or not readers or shared:
        return graph
    source = graph.tensors[writer.inputs[0]]
    if writer.op != "DEQUANTIZE" or source.is_constant or any(node.op != "QUANTIZE" for node in readers):
        return graph
    results = [graph.tensors[node.outputs[0]] for node in readers]
    if any((y.dtype, y.quant) != (source.dtype, source.quant) or y.name in graph.outputs for y in results):
        return graph
    nodes = tuple(node for node in graph.nodes if node not in readers)
    for y in results:
        nodes = redirect(nodes, y.name, state.read)
    moved = replace(state, written=source.name, initial=source.quant.quantize(state.initial, source.dtype))
    gone = {y.name for y in results}
    states = [moved if s is state else replace(s, written=state.read) if s.written in gone else s for s in graph.states]
    return graph.rewrite(nodes, [replace(source, name=state.read)], states=states)
