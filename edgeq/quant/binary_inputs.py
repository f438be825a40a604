"""Which layers see their input as one of two values, and which two."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from edgeq.ir import DType, Graph, Node
from edgeq.ops.binary_inputs import TwoLevels
from edgeq.passes.binary_inputs import OF_BINARY_INPUTS
from edgeq.quant.calibration import Samples, some_of
from edgeq.quant.evaluate import batch_size, evaluate
from edgeq.quant.params import SMALLEST_SCALE
from edgeq.quant.recipes import Recipe
from edgeq.quant.schemes import QuantScheme
from edgeq.quant.weights import least_squares_of_three

#: Vectors that the values are chosen by, at most.
_VECTORS = 64
#: Values of a layer's input that they are chosen by, at most.
_VALUES = 1 << 18


def takes_binary_inputs(graph: Graph, node: Node, scheme: QuantScheme) -> bool:
    """Whether a float layer of that scheme becomes one of binary inputs: a convolution without groups, or a dense
    layer, where its weights are binary and the scheme says so."""
    if not scheme.binary_inputs or scheme.weight.dtype is not DType.BINARY or node.op not in OF_BINARY_INPUTS:
        return False
    x, w = graph.operands(node)[:2]
    return node.op != "CONV_2D" or x.shape[3] == w.shape[3]


def choose_levels(x: np.ndarray) -> TwoLevels:
    """The two values with the smallest squared error: ± the mean magnitude (XNOR-Net, equation 6), or 0 and another one
    for inputs that are never negative."""
    flat = x.reshape(-1).astype(np.float64)
    if flat.size > _VALUES:
        flat = flat[np.linspace(0, flat.size - 1, _VALUES).astype(np.int64)]
    if flat.min(initial=0.0) >= 0:
        step, zero = float(least_squares_of_three(flat[np.newaxis])[0]) / 2, -1
    else:
        step, zero = float(np.abs(flat).mean()), 0
    return TwoLevels(float(np.float32(step)) if step > SMALLEST_SCALE else 1.0, zero)


def observed_levels(graph: Graph, inputs: Samples | Mapping[str, np.ndarray], recipe: Recipe) -> dict[str, TwoLevels]:
    """What calibration data choose, by the name of the layer's result.

    Args:
        graph: float. inputs: calibration data, or float32 (n, *shape) by input name.
    """
    layers = [node for node in graph.nodes if takes_binary_inputs(graph, node, recipe.layer(node.loc))]
    if not layers:
        return {}
    values = evaluate(graph, some_of(graph, inputs, min(_VECTORS, 4 * batch_size(graph))))
    return {node.outputs[0]: choose_levels(values[node.inputs[0]]) for node in layers}
