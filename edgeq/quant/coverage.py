"""What calibration data leave in doubt: too few of them, inputs and layers they never move, ranges they run out of."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from edgeq.ir import DType, Graph, Tensor
from edgeq.quant.calibration import Samples, some_of
from edgeq.quant.evaluate import evaluate

#: Fewer vectors than this give ranges that others will leave.
FEW_VECTORS = 32
#: Vectors that are looked at, evenly spread.
MAX_VECTORS = 64
#: Share of a tensor's values beyond its range that is worth a line.
SATURATED = 0.01
#: Share of an input's elements that never change which is worth a line.
UNMOVED = 0.5


def doubts(graph: Graph, quantized: Graph, inputs: Samples | Mapping[str, np.ndarray], vectors: int) -> tuple[str, ...]:
    """Sentences for the user, none where all is well.

    Args:
        graph: the float graph. quantized: what was made of it; activations bear the same names.
        inputs: calibration data. vectors: how many there are.
    """
    found = []
    if vectors < FEW_VECTORS:
        found.append(f"calibrated on {vectors} samples only: some hundred typical ones give better ranges")
    chosen = some_of(graph, inputs, MAX_VECTORS)
    if vectors > 1:
        found += [line for name in graph.inputs if (line := _unmoved(name, chosen[name]))]
    for name, values in evaluate(graph, chosen).items():
        tensor = quantized.tensors.get(name)
        if tensor is None or tensor.quant is None or graph.tensors[name].dtype is not DType.FLOAT32:
            continue
        if name not in graph.inputs and vectors > 1 and values.size > 1 and np.ptp(values) == 0:
            found.append(f"{name}: nothing but {values.flat[0]:g} on the calibration data; its range is a guess")
            continue
        share = _saturated(tensor, values)
        if share > SATURATED:
            found.append(f"{name}: {100 * share:.1f} % of the calibration data's values lie beyond its range")
    return tuple(found)


def _unmoved(name: str, values: np.ndarray) -> str:
    still = np.ptp(values, axis=0) == 0
    if still.mean() <= UNMOVED:
        return ""
    which = "all" if still.all() else f"{int(still.sum())} of {still.size}"
    return f"input {name!r}: {which} elements are the same in every calibration vector; is the data shuffled and whole?"


def _saturated(tensor: Tensor, values: np.ndarray) -> float:
    """Share of values more than a step outside of what the integers represent: fixed ranges end a step early."""
    scale, zero_point = tensor.quant.per_tensor
    low, high = (scale * (end - zero_point) for end in tensor.dtype.range)
    return float(np.mean((values < low - scale) | (values > high + scale)))
