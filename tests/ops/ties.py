"""Cases whose results lie right between two integers, where rounding shows."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from edgeq.ir import QuantParams, Tensor
from edgeq.ops import OutputRule, QuantRule, find_op

from .graphs import Case

#: A result's scale is this much above a power of two: what is multiplied by its inverse falls just short of a tie, and
#: the first of two roundings decides.
ABOVE = 1 + 2.0**-22


def at_ties(case: Case, rng: np.random.Generator, unit: float = 1.0) -> Case:
    """The case with scales that are powers of two times `unit`, or just above; small weights, so that few bits are
    shifted out. As it is where the result's scale is not free, and of our own operators, which have no ties to
    share with others."""
    (node,) = case.graph.nodes
    if find_op(node.op).own or case.graph.states or len(node.outputs) > 1:
        return case
    rule = find_op(node.op).quant_rule(node.attrs)
    if rule.output is not OutputRule.FREE or rule.products:
        return case
    graph = case.graph
    tensors = {t.name: replace(t, quant=_powers(t.quant, unit)) for t in graph.tensors.values() if t.quant is not None}
    tensors = {**graph.tensors, **tensors}
    (result,) = graph.results(node)
    if rule.weight is not None:
        tensors |= _small_weights(node.inputs, tensors, rule, rng)
        x, w = tensors[node.inputs[rule.input]], tensors[node.inputs[rule.weight]]
        unit = float(x.quant.scale[0]) * float(w.quant.scale[0])
        # sums of some 60 times the root of their number, divided so that most stay in range
        fan_in = w.size / result.shape[-1]
        scale = unit * 2.0 ** max(1, np.ceil(np.log2(1.2 * np.sqrt(fan_in)))) * ABOVE
    elif result.quant is None or any(t.quant == result.quant for t in graph.operands(node) if t is not None):
        return Case(case.op, replace(graph, tensors=tensors), case.inputs)
    else:
        # sums are too large here for a factor just short of a power of two
        scale = float(tensors[result.name].quant.scale[0])
    quant = replace(result.quant, scale=np.array([scale], np.float32))
    tensors[result.name] = replace(result, quant=quant)
    return Case(case.op, replace(graph, tensors=tensors), case.inputs)


def _powers(quant: QuantParams, unit: float) -> QuantParams:
    return replace(quant, scale=(unit * np.exp2(np.rint(np.log2(quant.scale / unit)))).astype(np.float32))


def _small_weights(
    names: tuple[str, ...], tensors: dict[str, Tensor], rule: QuantRule, rng: np.random.Generator
) -> dict[str, Tensor]:
    """Weights of -1, 0 and 1, and a bias of some hundreds."""
    w, x = tensors[names[rule.weight]], tensors[names[rule.input]]
    if w.data is None:
        return {}
    quant = replace(w.quant, scale=np.full_like(w.quant.scale, 2.0**-6))
    changed = {w.name: replace(w, data=rng.integers(-1, 2, w.shape).astype(w.data.dtype), quant=quant)}
    for name in filter(None, names[rule.bias : rule.bias + 1] if rule.bias is not None else ()):
        b = tensors[name]
        scale = QuantParams(x.quant.scale * quant.scale, np.zeros_like(b.quant.zero_point), b.quant.axis)
        changed[name] = replace(b, data=rng.integers(-300, 300, b.shape).astype(b.data.dtype), quant=scale)
    return changed
