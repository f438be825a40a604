"""Removes channels that are the same constant for every input, or that nobody reads. Exact, for every possible input.

A filter whose weights are all zero gives a constant; pruning and training with weight decay leave many of them. What a
constant channel adds to its readers goes into their biases. At a padded border that sum would differ from the interior,
unless the constant is the zero point: padding stands for it. Such channels stay.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from edgeq.fixedpoint import INT32_MAX, Dialect, requantize, saturate
from edgeq.ir import DType, Graph, Node, QuantParams, Tensor, frozen_array
from edgeq.ops import find_op
from edgeq.ops.base import activation_range
from edgeq.passes.rewriting import unique_name

NOTES = "shrunk"  # the graph's metadata entry: one line per layer that lost channels

_POOLS = ("AVERAGE_POOL_2D", "MAX_POOL_2D")
# Where each weighted operator keeps its output and its input channels.
_OUTPUT_AXIS = {"CONV_2D": 0, "DEPTHWISE_CONV_2D": 3, "FULLY_CONNECTED": 0}
_INPUT_AXIS = {"CONV_2D": 3, "FULLY_CONNECTED": 1}


@dataclass
class _Channels:
    """What is known of a tensor's channels (its last axis).

    constant: channel → its value everywhere. kept: bool per channel.
    """

    count: int
    constant: dict[int, int] = field(default_factory=dict)
    kept: np.ndarray | None = None


def shrink_channels(graph: Graph) -> Graph:
    """The int8 graph without constant and unread channels of convolutions; its outputs stay the same, bit for bit.

    Only channels whose every reader can do without them go: convolutions, dense layers, poolings, and reshapes that
    leave channels alone. The metadata entry NOTES says what was removed, by layer.
    """
    facts = {t.name: _Channels(t.shape[-1] if t.shape else 0) for t in graph.tensors.values() if not t.is_constant}
    params = {id(n): _params(graph, n) for n in graph.nodes}
    for node in graph.nodes:
        _find_constants(graph, node, params[id(node)], facts)
    _find_kept(graph, params, facts)
    if all(f.kept is None or f.kept.all() for f in facts.values()):
        return graph
    rewriter = _Rewriter(graph, params, facts)
    nodes = [rewriter.node(node) for node in graph.nodes]
    if rewriter.overflow:
        return graph
    notes = "\n".join(filter(None, (graph.metadata.get(NOTES, ""), *rewriter.notes)))
    return replace(graph, metadata={**graph.metadata, NOTES: notes}).rewrite(nodes, rewriter.tensors)


def _params(graph: Graph, node: Node) -> Any:
    """The integers of a weighted operator that can lose channels; None for every other node, and where weights have
    zero points or blocks: a block that lost a channel's weights would be another."""
    if node.op not in _OUTPUT_AXIS or any(t is not None and t.is_constant for t in graph.operands(node)[:1]):
        return None
    quant = graph.tensors[node.inputs[1]].quant
    if quant is not None and not quant.is_plain:
        return None
    p = find_op(node.op).lower(node, graph, Dialect.DOUBLE).params
    if node.op == "CONV_2D" and p.groups != 1:
        return None
    if node.op == "DEPTHWISE_CONV_2D" and p.depth_multiplier != 1:
        return None
    if node.op == "FULLY_CONNECTED" and graph.tensors[node.inputs[0]].shape[-1] != p.depth:
        return None
    return p


def _is_padded(p: Any) -> bool:
    """Whether a convolution's windows reach beyond the image."""
    if not hasattr(p, "pad"):
        return False
    for n, out, k, s, d, before in zip(
        p.input_shape[1:3], p.output_shape[1:3], p.kernel, p.stride, p.dilation, p.pad, strict=True
    ):
        if before > 0 or (out - 1) * s + (k - 1) * d + 1 - before > n:
            return True
    return False


def _foldable(p: Any, fact: _Channels) -> dict[int, int]:
    """The constant input channels that add the same sum at every position: channel → value + input_offset."""
    padded = _is_padded(p)
    moved = {c: v + p.input_offset for c, v in fact.constant.items()}
    return {c: v for c, v in moved.items() if v == 0 or not padded}


def _keeps_channels(graph: Graph, node: Node) -> bool:
    """Whether a reshape only adds or drops axes of size 1, so that channels stay channels."""
    if node.op != "RESHAPE":
        return False
    before, after = graph.tensors[node.inputs[0]].shape, graph.tensors[node.outputs[0]].shape
    return (
        bool(before)
        and bool(after)
        and [d for d in before if d != 1] == [d for d in after if d != 1]
        and (before[-1] == after[-1])
    )


def _find_constants(graph: Graph, node: Node, p: Any, facts: Mapping[str, _Channels]) -> None:
    if not node.outputs or not node.inputs or node.inputs[0] not in facts:
        return
    source, result = facts[node.inputs[0]], facts[node.outputs[0]]
    if node.op in _POOLS:
        y = graph.results(node)[0]
        low, high = activation_range(node.attrs.activation, *y.quant.per_tensor)
        # padding takes no part in a pooling, and the mean of equal values is exact
        result.constant = {c: min(max(v, low), high) for c, v in source.constant.items()}
    elif _keeps_channels(graph, node):
        result.constant = dict(source.constant)
    elif p is not None and node.op != "FULLY_CONNECTED":
        result.constant = _constant_results(node, p, source)


def _constant_results(node: Node, p: Any, source: _Channels) -> dict[int, int]:
    foldable = _foldable(p, source)
    weights = p.weights.astype(np.int64)
    if node.op == "DEPTHWISE_CONV_2D":
        sums = weights.sum(axis=(0, 1, 2))
        fixed = ~weights.any(axis=(0, 1, 2))
        added = np.zeros(source.count, np.int64)
        for c, value in foldable.items():
            fixed[c], added[c] = True, sums[c] * value
    else:
        rest = [c for c in range(source.count) if c not in foldable]
        fixed = ~weights[..., rest].any(axis=(1, 2, 3))
        added = _folded(node, p, foldable)
    total = p.bias + added
    fixed &= np.abs(total) <= INT32_MAX
    y = requantize(np.where(fixed, total, 0), p.multipliers, p.shifts) + p.output_offset
    y = saturate(y, p.activation_min, p.activation_max)
    return {int(c): int(y[c]) for c in np.flatnonzero(fixed)}


def _folded(node: Node, p: Any, channels: Mapping[int, int]) -> np.ndarray:
    """What constant input channels add to every result: int64, per output channel."""
    axes = tuple(a for a in range(p.weights.ndim) if a not in (_OUTPUT_AXIS[node.op], _INPUT_AXIS[node.op]))
    sums = p.weights.astype(np.int64).sum(axis=axes)  # (outputs, inputs)
    values = np.zeros(sums.shape[1], np.int64)
    for c, value in channels.items():
        values[c] = value
    return sums @ values


def _find_kept(graph: Graph, params: Mapping[int, Any], facts: Mapping[str, _Channels]) -> None:
    """Backwards: a channel is kept if a reader needs it, or if its producer cannot leave it out."""
    for fact in facts.values():
        fact.kept = np.zeros(fact.count, bool)
    for name in (*graph.sources, *graph.kept):
        if name in facts:
            facts[name].kept[:] = True
    for node in reversed(graph.nodes):
        p = params[id(node)]
        passes_on = node.op in _POOLS or _keeps_channels(graph, node)
        droppable = passes_on or (p is not None and node.op != "FULLY_CONNECTED")
        for name in node.outputs:
            kept = facts[name].kept
            if not droppable:
                kept[:] = True
            elif not kept.any():
                kept[0] = True  # a tensor has at least one channel
        for position, name in enumerate(node.inputs):
            if name not in facts:
                continue
            if position > 0 or not (passes_on or p is not None):
                facts[name].kept[:] = True
            elif passes_on or node.op == "DEPTHWISE_CONV_2D":
                facts[name].kept |= facts[node.outputs[0]].kept
            else:
                facts[name].kept |= _needed(node, p, facts[name], facts[node.outputs[0]].kept)


def _needed(node: Node, p: Any, source: _Channels, kept_outputs: np.ndarray) -> np.ndarray:
    read = p.weights[kept_outputs].any(axis=tuple(a for a in range(p.weights.ndim) if a != _INPUT_AXIS[node.op]))
    read[list(_foldable(p, source))] = False
    return read


class _Rewriter:
    """Makes the smaller nodes and tensors. `overflow`: a bias would leave int32, so nothing may be changed."""

    def __init__(self, graph: Graph, params: Mapping[int, Any], facts: Mapping[str, _Channels]):
        self.graph, self.params, self.facts = graph, params, facts
        self.tensors = [
            replace(t, shape=(*t.shape[:-1], int(facts[t.name].kept.sum())))
            for t in graph.tensors.values()
            if t.name in facts and t.shape
        ]
        self.notes: list[str] = []
        self.overflow = False

    def node(self, node: Node) -> Node:
        p = self.params[id(node)]
        if p is None:
            return self._reshape(node) if node.op == "RESHAPE" else node
        source, result = self.facts[node.inputs[0]], self.facts[node.outputs[0]]
        if source.kept.all() and result.kept.all():
            return node
        self._note(node, result)
        weights = self.graph.tensors[node.inputs[1]]
        bias = p.bias.astype(np.int64)
        if node.op in _INPUT_AXIS:
            gone = {c: v for c, v in _foldable(p, source).items() if not source.kept[c]}
            bias = bias + _folded(node, p, gone)
        bias = bias[result.kept]
        if np.abs(bias).max(initial=0) > INT32_MAX:
            self.overflow = True
            return node
        data = np.compress(result.kept, weights.data, axis=_OUTPUT_AXIS[node.op])
        if node.op in _INPUT_AXIS:
            data = np.compress(source.kept, data, axis=_INPUT_AXIS[node.op])
        w = Tensor(self._name(weights.name), data.shape, weights.dtype, _compress(weights.quant, result.kept), data)
        b = self._bias(node, weights, bias, result.kept)
        self.tensors += [w, b]
        return replace(node, inputs=(node.inputs[0], w.name, b.name))

    def _bias(self, node: Node, weights: Tensor, values: np.ndarray, kept: np.ndarray) -> Tensor:
        name = node.inputs[2] if len(node.inputs) > 2 and node.inputs[2] else f"{node.outputs[0]}:bias"
        scale, _ = self.graph.tensors[node.inputs[0]].quant.per_tensor
        quant = _compress(weights.quant, kept)
        axis = None if quant.axis is None else 0
        quant = QuantParams(np.float32(scale) * quant.scale, np.zeros(quant.scale.size), axis)
        return Tensor(self._name(name), values.shape, DType.INT32, quant, frozen_array(values, np.int32))

    def _reshape(self, node: Node) -> Node:
        if self.facts[node.outputs[0]].kept.all() or len(node.inputs) < 2:
            return node
        shape = (*self.graph.tensors[node.outputs[0]].shape[:-1], int(self.facts[node.outputs[0]].kept.sum()))
        name = self._name(node.inputs[1])
        self.tensors.append(Tensor(name, (len(shape),), DType.INT32, data=frozen_array(shape, np.int32)))
        return replace(node, inputs=(node.inputs[0], name))

    def _note(self, node: Node, result: _Channels) -> None:
        gone = np.flatnonzero(~result.kept)
        if gone.size:
            constant = sum(int(c) in result.constant for c in gone)
            parts = [f"{n} {what}" for n, what in ((constant, "constant"), (gone.size - constant, "unread")) if n]
            self.notes.append(f"{node.loc}: {gone.size} of {result.count} channels removed, {' and '.join(parts)}")

    def _name(self, name: str) -> str:
        return unique_name(self.graph, f"{name}:{len(self.tensors)}")


def _compress(quant: QuantParams, kept: np.ndarray) -> QuantParams:
    """Weight scales of the kept channels."""
    if quant.axis is None:
        return quant
    return QuantParams(quant.scale[kept], quant.zero_point[kept], quant.axis)
