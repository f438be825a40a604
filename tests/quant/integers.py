"""Runs an integer graph by the operators' own definition: lowered and simulated one after the other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from edgeq.exporters.tflite import export_tflite
from edgeq.fixedpoint import Dialect
from edgeq.ir import DType, Graph
from edgeq.ops import find_op
from tests import reference
from tests.ops.block_sums import by_blocks
from tests.ops.graphs import Case


def trace(graph: Graph, inputs: Mapping[str, np.ndarray], dialect: Dialect = Dialect.DOUBLE) -> dict[str, np.ndarray]:
    """Every computed tensor, name → (n, *shape), for int8 inputs (n, *shape)."""
    values = dict(inputs)
    for node in graph.nodes:
        op = find_op(node.op)
        if op.alias:
            source, shape = values[node.inputs[0]], graph.tensors[node.outputs[0]].shape
            values[node.outputs[0]] = source.reshape(source.shape[:1] + shape)
            continue
        lowered = op.lower(node, graph, Dialect.DOUBLE)
        operands = [
            values[name] if graph.tensors[name].data is None else graph.tensors[name].data[np.newaxis]
            for name in lowered.inputs
        ]
        values.update(zip(node.outputs, op.simulate(lowered.params, *operands), strict=True))
    return values


def as_integers(graph: Graph, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The real inputs of a quantized graph as its integers."""
    return {name: graph.tensors[name].quant.quantize(inputs[name], graph.tensors[name].dtype) for name in graph.inputs}


def real_outputs(graph: Graph, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The quantized graph's outputs for real inputs, as real numbers."""
    values = trace(graph, as_integers(graph, inputs))
    return {name: graph.tensors[name].quant.dequantize(values[name]) for name in graph.outputs}


def assert_reference_agrees(graph: Graph, inputs: Mapping[str, np.ndarray]) -> None:
    """Every tensor of the exported graph, run by tflite-runtime's reference kernels, equals the simulator's.

    Where int8 becomes int16 within the graph, for which TFLite 2.14 has no QUANTIZE, LiteRT computes that, and TFLite
    what comes before and after.
    """
    mine = trace(graph, as_integers(graph, inputs))
    widening = [n for n in graph.nodes if n.op == "QUANTIZE" and graph.tensors[n.inputs[0]].dtype is DType.INT8
                and graph.tensors[n.outputs[0]].dtype is DType.INT16]  # fmt: skip
    theirs = {}
    if widening:
        sources = dict.fromkeys(n.inputs[0] for n in widening)
        alone = graph.rewrite(widening, inputs=sources, outputs=[n.outputs[0] for n in widening])
        theirs = reference.run(export_tflite(alone), [mine[name] for name in sources], reference.LITERT)
        rest = [n for n in graph.nodes if n not in widening]
        graph = graph.rewrite(rest, inputs=[*graph.inputs, *(n.outputs[0] for n in widening)])
    exported = export_tflite(_interpretable(graph))
    theirs |= reference.run(exported, [mine[name] for name in graph.inputs])
    compared = {name for node in (*graph.nodes, *widening) for name in node.outputs}
    assert compared and compared <= theirs.keys()
    for name in compared:
        np.testing.assert_array_equal(theirs[name].reshape(mine[name].shape), mine[name], err_msg=name)


def assert_summed_in_blocks(graph: Graph, inputs: Mapping[str, np.ndarray]) -> None:
    """Every layer whose weights have zero points or blocks computes what its arithmetic says, block by block; there is
    one."""
    mine = trace(graph, as_integers(graph, inputs))
    fine = [n for n in graph.nodes if find_op(n.op).finer_weights and not graph.operands(n)[1].quant.is_plain]
    assert fine
    for node in fine:
        x, y = node.inputs[0], node.outputs[0]
        alone = replace(graph, nodes=(node,), inputs=(x,), outputs=(y,))
        np.testing.assert_array_equal(by_blocks(Case(node.op, alone, (mine[x],))), mine[y], err_msg=y)


def _interpretable(graph: Graph) -> Graph:
    """The graph with int8 for the int4 weights of dense layers: TFLite refuses those that have a scale per unit."""
    dense = {node.inputs[1] for node in graph.nodes if node.op == "FULLY_CONNECTED"}
    narrow = [t for name, t in graph.tensors.items() if name in dense and t.dtype is DType.INT4]
    return graph.rewrite(tensors=[replace(t, dtype=DType.INT8) for t in narrow])


def sqnr(exact: np.ndarray, approximate: np.ndarray) -> float:
    """Signal to quantization noise ratio in dB."""
    signal, noise = exact.astype(np.float64), exact.astype(np.float64) - approximate
    return 10 * np.log10(np.square(signal).sum() / max(np.square(noise).sum(), 1e-300))
