"""LSTMs as TFLite has them: one result, states that are variables, and tensors that tell the quantization inside."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from edgeq.errors import ModelError
from edgeq.ir import DType, Graph, Node, QuantParams, Tensor, frozen_array
from edgeq.ops import find_op
from edgeq.ops.unidirectional_sequence_lstm import NORMS
from edgeq.passes.rewriting import unique_name

OP = "UNIDIRECTIONAL_SEQUENCE_LSTM"


@dataclass(frozen=True)
class WithVariables:
    """The graph, the names of its variables, and by an LSTM's first result the tensors of its intermediates."""

    graph: Graph
    variables: frozenset[str]
    intermediates: dict[str, tuple[Tensor, ...]]


def with_variables(graph: Graph) -> WithVariables:
    """LSTMs with state operands, which are variables in TFLite, and with all hidden states as their one result.

    Raises:
        ModelError: something reads the states behind the last step, which TFLite keeps to itself.
    """
    added: list[Tensor] = []
    nodes: list[Node] = []
    variables: set[str] = set()
    intermediates: dict[str, tuple[Tensor, ...]] = {}
    read = {*graph.outputs, *graph.consumers()}

    def add(tensor: Tensor) -> str:
        known = replace(graph, tensors={**graph.tensors, **{t.name: t for t in added}})
        added.append(replace(tensor, name=unique_name(known, tensor.name)))
        return added[-1].name

    for node in graph.nodes:
        if node.op != OP:
            nodes.append(node)
            continue
        y, h, c = graph.results(node)
        if h.name in read or c.name in read:
            raise ModelError(
                "a .tflite file cannot hold an LSTM whose last states are read",
                where=node.loc,
                hint="read the last of its outputs",
            )
        # converters write those of normalization too, and TFLite Micro counts them
        operands = list(node.inputs) + [""] * (NORMS[-1] + 1 - len(node.inputs))
        for place, result in find_op(OP).variables:
            after = graph.results(node)[result]
            operands[place] = operands[place] or add(replace(after, name=f"{after.name}/before"))
            variables.add(operands[place])
        gate = QuantParams([2.0**-12], [0])
        inside = [Tensor(f"{y.name}/gate{i}", (0,), DType.INT16, gate) for i in range(4)]
        product = node.attrs.product
        hidden = y.quant if product is None else QuantParams([product[0]], [product[1]])
        inside.append(Tensor(f"{y.name}/hidden", (0,), y.dtype, hidden))
        attrs = node.attrs
        if attrs.sequences:
            nodes.append(replace(node, inputs=tuple(operands)))
            intermediates[y.name] = tuple(inside)
            continue
        x = graph.operands(node)[0]
        whole = add(Tensor(f"{y.name}/sequence", x.shape[:2] + y.shape[-1:], y.dtype, y.quant))
        attrs = replace(attrs, sequences=True)
        nodes.append(replace(node, inputs=tuple(operands), outputs=(whole, h.name, c.name), attrs=attrs))
        intermediates[whole] = tuple(inside)
        nodes.append(_last(node, y.name, whole, 0 if attrs.time_major else 1, add))
    return WithVariables(graph.rewrite(nodes, added), frozenset(variables), intermediates)


def _last(node: Node, y: str, whole: str, axis: int, add) -> Node:
    """The last step of a sequence."""

    def integers(what: str, values: list[int]) -> str:
        return add(Tensor(f"{y}/{what}", (3,), DType.INT32, data=frozen_array(values, np.int32)))

    at = [-1 if a == axis else 0 for a in range(3)]
    constants = (integers("begin", at), integers("end", [0, 0, 0]), integers("strides", [1, 1, 1]))
    attrs = find_op("STRIDED_SLICE").Attrs(begin_mask=7 & ~(1 << axis), end_mask=7, shrink_axis_mask=1 << axis)
    return Node("STRIDED_SLICE", (whole, *constants), (y,), attrs, node.loc)
