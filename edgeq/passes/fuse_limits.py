"""Makes MINIMUM and MAXIMUM of a constant part of the layer before them."""

from __future__ import annotations

import dataclasses
from dataclasses import replace

import numpy as np

from edgeq.ir import Graph, Node
from edgeq.ops.base import Activation, Limited
from edgeq.passes.rewriting import sole_reader, until_stable

#: Operators whose attributes have an activation that no kernel honours, or that clamps something else.
_OTHERS = {"CONCATENATION", "SVDF"}


def fuse_limits(graph: Graph) -> Graph:
    """layer → MINIMUM or MAXIMUM with one integer becomes a layer that clamps to it, where nothing else reads the
    result between. Exact: both clamp the layer's rounded result. No `.tflite` file can hold it; for lowering only."""

    def step(graph: Graph) -> Graph | None:
        producers, consumers = graph.producers(), graph.consumers()
        for node in graph.nodes:
            found = _limit(graph, node)
            if found is None:
                continue
            name, limits = found
            source = producers.get(name)
            if source is None or not _clamps(source) or sole_reader(graph, name, consumers) is not node:
                continue
            if graph.tensors[name].quant != graph.tensors[node.outputs[0]].quant:
                continue
            attrs = replace(source.attrs, activation=source.attrs.activation.within(*limits))
            fused = replace(source, outputs=node.outputs, attrs=attrs)
            return graph.rewrite([fused if n is source else n for n in graph.nodes if n is not node])
        return None

    return until_stable(graph, step)


def _clamps(node: Node) -> bool:
    if node.op in _OTHERS or not dataclasses.is_dataclass(node.attrs) or len(node.outputs) != 1:
        return False
    return isinstance(getattr(node.attrs, "activation", None), (Activation, Limited))


def _limit(graph: Graph, node: Node) -> tuple[str, tuple[int | None, int | None]] | None:
    """(operand, (least, most)) of a MINIMUM or MAXIMUM with the same integer everywhere."""
    if node.op not in ("MINIMUM", "MAXIMUM"):
        return None
    constants = [t for t in graph.operands(node) if t.is_constant]
    others = [t for t in graph.operands(node) if not t.is_constant]
    result = graph.results(node)[0]
    if len(constants) != 1 or others[0].quant is None or others[0].shape != result.shape or not result.size:
        return None
    values = np.unique(constants[0].data)
    if values.size != 1 or constants[0].dtype is not result.dtype:
        return None
    limit = int(values[0])
    return others[0].name, ((None, limit) if node.op == "MINIMUM" else (limit, None))
