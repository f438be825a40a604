"""Layers of binary inputs, made of others and taken apart again.

A `.tflite` file knows no such layer, but four operators that compute the same: CAST takes the input's integers as they
are, GREATER_EQUAL compares them with the threshold, SELECT_V2 takes 1 or −1 with the scale and zero point of the two
values, and a convolution or dense layer has weights of −1 and 1. Any interpreter can run that.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, replace

import numpy as np

from edgeq.ir import DType, Graph, Node, Tensor, frozen_array
from edgeq.ops import find_op
from edgeq.ops.binary_inputs import BinaryInputs, TwoLevels, integer_threshold
from edgeq.passes.rewriting import sole_reader, unique_name, until_stable

#: By layer, the one of binary inputs.
OF_BINARY_INPUTS = {op: f"BINARY_{op}" for op in ("CONV_2D", "FULLY_CONNECTED")}
_PLAIN = {binary: op for op, binary in OF_BINARY_INPUTS.items()}


def with_binary_inputs(node: Node, levels: TwoLevels) -> Node:
    """A convolution or dense layer, for inputs of these two values."""
    op = find_op(OF_BINARY_INPUTS[node.op])
    return Node(op.name, node.inputs, node.outputs, op.Attrs(**vars(node.attrs), levels=levels), node.loc)


def spell_out_binary_inputs(graph: Graph) -> Graph:
    """Layers of binary inputs as the four operators; every integer of their results stays the same."""
    for node in graph.nodes:
        if isinstance(find_op(node.op), BinaryInputs):
            graph = _spelled_out(graph, node)
    return graph


def _spelled_out(graph: Graph, node: Node) -> Graph:
    x, levels = graph.operands(node)[0], node.attrs.levels
    taken, result = graph, node.outputs[0]

    def add(what: str, dtype: DType, **of: object) -> str:
        nonlocal taken
        tensor = Tensor(unique_name(taken, f"{result}/{what}"), of.pop("shape", x.shape), dtype, **of)
        taken = replace(taken, tensors={**taken.tensors, tensor.name: tensor})
        return tensor.name

    def constant(what: str, dtype: DType, value: int, **of: object) -> str:
        return add(what, dtype, shape=(1,), data=frozen_array([value], dtype.numpy), **of)

    signs = {"quant": levels.quant}
    integers, upper, binary = add("integers", DType.INT32), add("upper", DType.BOOL), add("signs", DType.INT8, **signs)
    threshold = constant("threshold", DType.INT32, integer_threshold(levels, *x.quant.per_tensor))
    plus, minus = (constant(f"{value:+d}", DType.INT8, value, **signs) for value in (1, -1))
    plain = find_op(_PLAIN[node.op])
    attrs = plain.Attrs(**{field.name: getattr(node.attrs, field.name) for field in fields(plain.Attrs)})
    chain = (
        Node("CAST", (x.name,), (integers,), find_op("CAST").Attrs(), node.loc),
        Node("GREATER_EQUAL", (integers, threshold), (upper,), find_op("GREATER_EQUAL").Attrs(), node.loc),
        Node("SELECT_V2", (upper, plus, minus), (binary,), find_op("SELECT_V2").Attrs(), node.loc),
        Node(plain.name, (binary, *node.inputs[1:]), node.outputs, attrs, node.loc),
    )
    added = [tensor for name, tensor in taken.tensors.items() if name not in graph.tensors]
    return graph.rewrite([each for n in graph.nodes for each in (chain if n is node else (n,))], added)


def fuse_binary_inputs(graph: Graph) -> Graph:
    """CAST → GREATER_EQUAL → SELECT_V2 → layer with binary weights, where it is what `spell_out_binary_inputs` gives
    and nothing else reads what lies between, as a layer of binary inputs. Exact."""

    def step(graph: Graph) -> Graph | None:
        for chain in _chains(graph):
            cast, compare, select, layer = chain
            fused = _fused(graph, cast, compare, select, layer)
            if fused is not None:
                rest = [fused if node is layer else node for node in graph.nodes if node not in chain[:3]]
                return graph.rewrite(rest)
        return None

    return until_stable(graph, step)


def _chains(graph: Graph) -> Iterator[tuple[Node, Node, Node, Node]]:
    consumers = graph.consumers()
    for cast in graph.nodes:
        chain = [cast]
        for wanted in ({"GREATER_EQUAL"}, {"SELECT_V2"}, OF_BINARY_INPUTS.keys()):
            follower = sole_reader(graph, chain[-1].outputs[0], consumers) if chain[0].op == "CAST" else None
            if follower is None or follower.op not in wanted or follower.inputs[0] != chain[-1].outputs[0]:
                break
            chain.append(follower)
        else:
            yield tuple(chain)


def _fused(graph: Graph, cast: Node, compare: Node, select: Node, layer: Node) -> Node | None:
    (x,), (integers,), (signs,) = graph.operands(cast), graph.results(cast), graph.results(select)
    _, plus, minus = graph.operands(select)
    x_is_affine = x.dtype is DType.INT8 and x.quant is not None and x.quant.scale.size == 1
    if not x_is_affine or integers.dtype is not DType.INT32 or signs.dtype is not DType.INT8 or x.shape != signs.shape:
        return None
    if signs.quant is None or signs.quant.scale.size != 1 or graph.operands(layer)[1].dtype is not DType.BINARY:
        return None
    levels = TwoLevels(*signs.quant.per_tensor)
    expected = ((graph.operands(compare)[1], integer_threshold(levels, *x.quant.per_tensor)), (plus, 1), (minus, -1))
    if levels.zero not in (0, -1) or not all(_is_everywhere(tensor, value) for tensor, value in expected):
        return None
    if layer.op == "CONV_2D" and x.shape[3] != graph.operands(layer)[1].shape[3]:
        return None
    return with_binary_inputs(replace(layer, inputs=(x.name, *layer.inputs[1:])), levels)


def _is_everywhere(tensor: Tensor, value: int) -> bool:
    return tensor.data is not None and tensor.size > 0 and bool(np.all(tensor.data == value))
